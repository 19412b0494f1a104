// Package token is plimsoll token: it makes tokens for those who may call a daemon.
package token

import (
	"context"
	"fmt"
	"io"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

const help = `Usage: plimsoll token NAME >> FILE

Makes a token for 'plimsoll serve --tokens FILE'. The token goes to the standard
error, to be given to whoever may call and kept nowhere else; the line that stands
for it, with its SHA-256 and the name of who may call, goes to the standard output.
`

// Run is plimsoll token.
func Run(_ context.Context, args []string, env cmdline.Environment) error {
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "-help") {
		_, err := io.WriteString(env.Stdout, help)
		return err
	}
	if len(args) != 1 {
		return cmdline.Usagef("token", "want one argument: the name of who may call")
	}
	token, line, err := server.NewToken(args[0])
	if err != nil {
		return cmdline.Usagef("token", "%w", err)
	}
	if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stderr, token)
	return err
}
