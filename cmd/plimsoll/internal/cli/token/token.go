// Package token is plimsoll token: it makes tokens for those who may call a daemon.
package token

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

const intro = `Makes a token for 'plimsoll serve --tokens FILE'. The token goes to the standard
error, to be given to whoever may call and kept nowhere else; the line that stands
for it, with its SHA-256 and the name of who may call, goes to the standard output.`

// New returns plimsoll token.
func New(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{Use: "token NAME >> FILE", Short: "make a token for who may call the daemon", Intro: intro})
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return cmdline.Usagef("token", "want one argument: the name of who may call")
		}
		return run(env, args[0])
	}
	return c
}

func run(env cmdline.Environment, name string) error {
	token, line, err := server.NewToken(name)
	if err != nil {
		return cmdline.Usagef("token", "%w", err)
	}
	if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stderr, token)
	return err
}
