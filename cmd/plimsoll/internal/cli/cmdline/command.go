package cmdline

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is the width of the help's list of flags, in columns.
const helpWidth = 90

// Text is the help of a command without its flags.
type Text struct {
	Use   string // the command with its arguments
	Short string // one line, for the list of commands
	Intro string // before the flags
	More  string // after them; "" = nothing
}

// New returns a command without flags and without RunE, which the caller adds. Flags
// may stand before its arguments, after them and between them.
func New(t Text) *cobra.Command {
	name, _, _ := strings.Cut(t.Use, " ")
	c := &cobra.Command{
		Use: t.Use, Short: t.Short, Long: strings.TrimSpace(t.Intro + "\n\n" + t.More),
		DisableFlagsInUseLine: true, SilenceErrors: true, SilenceUsage: true,
	}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) {
		if c.Name() != name { // a command below this one, without a help of its own
			t = Text{Use: c.Use, Intro: c.Long}
		}
		_, _ = io.WriteString(c.OutOrStdout(), help(c, t))
	})
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		path := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "plimsoll")) // of a command below another, both
		if path == "" {
			return &UsageError{Err: errors.New(strings.TrimSuffix(flagMessage(err, c.LocalFlags()), noFlags) + "flags are a command's")}
		}
		return Usagef(path, "%s", flagMessage(err, c.LocalFlags()))
	})
	return c
}

// help returns the text of --help.
func help(c *cobra.Command, t Text) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: plimsoll %s\n\n%s\n", strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "plimsoll")+strings.TrimPrefix(t.Use, c.Name())), t.Intro)
	if c.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s  %s\n", c.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	if f := c.Flags().Lookup("help"); f != nil {
		f.Hidden = true // readers of the help know --help
	}
	if flags := c.LocalFlags().FlagUsagesWrapped(helpWidth); flags != "" {
		if !strings.Contains(flags, "\n  -") && !strings.HasPrefix(flags, "  -") {
			// Package pflag indents for flags of one letter, which few commands have.
			flags = "  " + strings.TrimPrefix(strings.ReplaceAll(flags, "\n      ", "\n  "), "      ")
		}
		b.WriteString("\nFlags:\n" + flags)
	}
	if t.More != "" {
		b.WriteString("\n" + t.More + "\n")
	}
	return b.String()
}
