// Package token is plimsoll token: it makes, lists and revokes the API tokens of a daemon's
// clients.
package token

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

const intro = `Makes, lists and revokes API tokens in the file of 'plimsoll serve --tokens FILE'. The
daemon takes a change within a second. The file holds the SHA-256 of each token and its
rights. The token itself goes to the standard error: give it to the client, and do not
store it elsewhere.

With a name alone, the token has all scopes and its line goes to the standard output:

  plimsoll token NAME >> FILE`

const more = `A line of the file is the token's name, its SHA-256, and what it may do:

  gateway sha256:… scopes=decide,observe groups=gpt-*,claude expires=2030-01-31T00:00:00Z

Limits of its own hold beside those of the deployments: rpm=600 tpm=100000 in_flight=20.

Scopes:
  decide   /v1/: pick, acquire, settle and so on
  observe  /v1/observe: what providers answered
  proxy    /openai and /anthropic
  admin    the page, metrics, profiles, switching deployments off and on`

// New returns plimsoll token.
func New(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{Use: "token COMMAND", Short: "make, list and revoke API tokens of clients", Intro: intro, More: more})
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return cmdline.Usagef("token", "want make, list or revoke, or the name of a client")
		}
		secret, line, err := server.NewToken(args[0])
		if err != nil {
			return cmdline.Usagef("token", "%w", err)
		}
		return hand(env, secret, line)
	}
	c.AddCommand(newMake(env), newList(env), newRevoke(env))
	return c
}

// hand writes a line to the standard output, and the secret to the standard error.
func hand(env cmdline.Environment, secret, line string) error {
	if line != "" {
		if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(env.Stderr, secret)
	return err
}

// fileFlag adds --tokens, which PLIMSOLL_TOKENS stands in for.
func fileFlag(c *cobra.Command, env cmdline.Environment, usage string) *string {
	path := env.Getenv("PLIMSOLL_TOKENS")
	cmdline.Func(c.Flags(), "tokens", "FILE", usage+" (default $PLIMSOLL_TOKENS)", cmdline.ParseName(&path, "want the name of a file"))
	return &path
}
