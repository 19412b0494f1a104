// Package cli is the command line of plimsoll: it finds the command that the
// arguments name, runs it, and turns what went wrong into words and an exit code.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/check"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/serve"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/token"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/top"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/version"
)

// Exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // what was asked for could not be done
	ExitUsage   = 2 // it was not understood
)

// command is one of plimsoll's subcommands.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, env cmdline.Environment) error
}

var commands = []command{
	{"serve", "run the daemon: decisions over HTTP", serve.Run},
	{"top", "show a daemon's deployments in the terminal", top.Run},
	{"replay", "run a trace of LLM traffic through the engine in virtual time", replay.Run},
	{"check", "show what a configuration file says, or what is wrong with it", check.Run},
	{"token", "make a token for who may call the daemon", token.Run},
	{"version", "show which plimsoll this is", version.Run},
}

// Run does what the arguments ask for (the program's name is not among them)
// and returns the exit code. Results go to stdout, everything else to stderr.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, cmdline.Environment{Getenv: getenv, Stdout: stdout, Stderr: stderr})
	if err == nil || errors.Is(err, flag.ErrHelp) {
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

// dispatch runs the command that the first argument names.
func dispatch(ctx context.Context, args []string, env cmdline.Environment) error {
	if len(args) == 0 {
		return &cmdline.UsageError{Err: fmt.Errorf("no command given; use one of: %s", commandNames())}
	}
	switch name := args[0]; name {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 {
			return dispatch(ctx, []string{args[1], "--help"}, env)
		}
		return writeHelp(env.Stdout)
	default:
		i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
		if i < 0 {
			return &cmdline.UsageError{Err: fmt.Errorf("unknown command %q; use one of: %s", name, commandNames())}
		}
		return commands[i].run(ctx, args[1:], env)
	}
}

func commandNames() string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

func writeHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString("plimsoll routes LLM traffic over deployments without passing their limits.\n\nUsage: plimsoll COMMAND [flags]\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-8s  %s\n", c.name, c.summary)
	}
	b.WriteString("\nRun 'plimsoll COMMAND --help' for a command's flags.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
