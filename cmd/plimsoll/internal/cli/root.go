package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/check"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/fake"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/lab"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/serve"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/token"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/top"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/version"
)

// newRoot returns plimsoll with all of its commands.
func newRoot(env cmdline.Environment) *cobra.Command {
	cobra.EnableCommandSorting = false
	root := cmdline.New(cmdline.Text{
		Use: "plimsoll COMMAND [flags]", Short: "route LLM traffic without passing limits",
		Intro: "plimsoll routes LLM traffic over deployments without passing their limits.",
		More:  "Run 'plimsoll COMMAND --help' for a command's flags.",
	})
	root.SuggestionsMinimumDistance = 2
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.AddCommand(serve.New(env), top.New(env), replay.New(env), lab.New(env), check.New(env), token.New(env), fake.New(env), version.New(env), newMan(env))
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			strictShells(c)
		}
	}
	root.Args = cobra.ArbitraryArgs // so that RunE answers for names of no command
	root.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &cmdline.UsageError{Err: fmt.Errorf("no command given; use one of: %s", names(root))}
		}
		return unknown(root, args[0])
	}
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "show what a command does, and its flags",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err == nil && len(rest) > 0 && about == root {
				err = unknown(root, rest[0])
			}
			if err != nil {
				return err
			}
			return about.Help()
		},
	})
	return root
}

// strictShells makes plimsoll completion refuse what it does not know, as other commands do.
func strictShells(completion *cobra.Command) {
	var shells []string
	for _, shell := range completion.Commands() {
		shells = append(shells, shell.Name())
		shell.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cmdline.Usagef("completion "+shell.Name(), "unexpected argument %q", args[0])
			}
			return nil
		}
	}
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(*cobra.Command, []string) error {
		return cmdline.Usagef("completion", "want the name of a shell: %s", strings.Join(shells, ", "))
	}
}

// unknown is the error of a name that no command has.
func unknown(root *cobra.Command, name string) error {
	message := fmt.Sprintf("unknown command %q; use one of: %s", name, names(root))
	if near := root.SuggestionsFor(name); len(near) > 0 {
		message = fmt.Sprintf("unknown command %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return &cmdline.UsageError{Err: fmt.Errorf("%s", message)}
}

// names lists the commands that do something by themselves.
func names(root *cobra.Command) string {
	var out []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			out = append(out, c.Name())
		}
	}
	return strings.Join(out, ", ")
}
