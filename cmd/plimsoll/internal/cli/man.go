package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

// newMan returns plimsoll man.
func newMan(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{
		Use: "man [COMMAND]", Short: "write a manual page, for man",
		Intro: "Writes the manual page of plimsoll, or of one of its commands, in troff:\n\n  plimsoll man serve | man -l -",
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		about, rest, err := c.Root().Find(args)
		if err == nil && len(rest) > 0 {
			err = unknown(c.Root(), rest[0])
		}
		if err != nil {
			return err
		}
		about.DisableAutoGenTag = true
		return doc.GenMan(about, &doc.GenManHeader{Section: "1", Source: "plimsoll"}, env.Stdout)
	}
	return c
}
