package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // what was asked for could not be done
	exitUsage   = 2 // it was not understood
)

// command is one of plimsoll's subcommands.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, env environment) error
}

// environment is what a command sees of the process it runs in.
type environment struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

var commands = []command{
	{"serve", "run the daemon: decisions over HTTP", runServe},
	{"top", "show a daemon's deployments in the terminal", runTop},
	{"replay", "run a trace of LLM traffic through the engine in virtual time", runReplay},
	{"check", "show what a configuration file says, or what is wrong with it", runCheck},
	{"token", "make a token for who may call the daemon", runToken},
	{"version", "show which plimsoll this is", runVersion},
}

// usageError is a mistake in the command line, not in what it names.
type usageError struct {
	command string // whose --help says more; "" = plimsoll itself
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// run does what the arguments ask for (the program's name is not among them)
// and returns the exit code. Results go to stdout, everything else to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, environment{getenv, stdout, stderr})
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	code, message := exitFailure, fmt.Sprintf("plimsoll: %v\n", err)
	if errors.Is(err, context.Canceled) {
		message = "plimsoll: interrupted; no result\n"
	} else if usage, ok := errors.AsType[*usageError](err); ok {
		code = exitUsage
		message += fmt.Sprintf("Run '%s --help' for usage.\n", strings.TrimSpace("plimsoll "+usage.command))
	}
	_, _ = io.WriteString(stderr, message) // the exit code is all that is left to say it
	return code
}

// dispatch runs the command that the first argument names.
func dispatch(ctx context.Context, args []string, env environment) error {
	if len(args) == 0 {
		return &usageError{err: fmt.Errorf("no command given; use one of: %s", commandNames())}
	}
	switch name := args[0]; name {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 {
			return dispatch(ctx, []string{args[1], "--help"}, env)
		}
		return writeHelp(env.stdout)
	default:
		i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
		if i < 0 {
			return &usageError{err: fmt.Errorf("unknown command %q; use one of: %s", name, commandNames())}
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
