// Package cli is the command line of plimsoll: it finds the command that the
// arguments name, runs it, and turns what went wrong into words and an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

// Exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // what was asked for could not be done
	ExitUsage   = 2 // it was not understood
)

// Run does what the arguments ask for (the program's name is not among them)
// and returns the exit code. Results go to stdout, everything else to stderr.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	variable := func(name string) string { return strings.TrimRight(getenv(name), "\r\n") } // mounted secrets end in a line
	root := newRoot(cmdline.Environment{Getenv: variable, Stdout: stdout, Stderr: stderr})
	root.SetArgs(commandFirst(root, cmdline.TwoDashes(args)))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	code, message := ExitFailure, fmt.Sprintf("plimsoll: %v\n", err)
	if errors.Is(err, context.Canceled) {
		message = "plimsoll: interrupted; no result\n"
	} else if usage, ok := errors.AsType[*cmdline.UsageError](err); ok {
		code = ExitUsage
		message += fmt.Sprintf("Run '%s --help' for usage.\n", strings.TrimSpace("plimsoll "+usage.Command))
	}
	_, _ = io.WriteString(stderr, message) // the exit code is all that is left to say it
	return code
}

// commandFirst moves flags that stand before the name of a command behind it. Package
// cobra takes them for those of plimsoll itself, which has none.
func commandFirst(root *cobra.Command, args []string) []string {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") {
		return args
	}
	at := slices.IndexFunc(args, func(a string) bool {
		return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == a })
	})
	if at < 0 {
		return args
	}
	return slices.Concat(args[at:at+1], args[:at], args[at+1:])
}
