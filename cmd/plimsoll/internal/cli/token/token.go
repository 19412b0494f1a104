package main

import (
	"context"
	"fmt"
	"io"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

const tokenHelp = `Usage: plimsoll token NAME >> FILE

Makes a token for 'plimsoll serve --tokens FILE'. The token goes to the standard
error, to be given to whoever may call and kept nowhere else; the line that stands
for it, with its SHA-256 and the name of who may call, goes to the standard output.
`

// runToken is plimsoll token.
func runToken(_ context.Context, args []string, env environment) error {
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "-help") {
		_, err := io.WriteString(env.stdout, tokenHelp)
		return err
	}
	if len(args) != 1 {
		return &usageError{command: "token", err: fmt.Errorf("token: want one argument: the name of who may call")}
	}
	token, line, err := server.NewToken(args[0])
	if err != nil {
		return &usageError{command: "token", err: fmt.Errorf("token: %w", err)}
	}
	if _, err := fmt.Fprintln(env.stdout, line); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stderr, token)
	return err
}
