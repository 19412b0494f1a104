package token

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

func newList(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{Use: "list [flags]", Short: "show the tokens of a file, without the tokens themselves", Intro: "Shows the tokens of a file: names and what they may do, no secrets."})
	path := fileFlag(c, env, "file to read")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cmdline.Usagef("token list", "unexpected argument; a file is given by --tokens FILE")
		}
		if *path == "" {
			return cmdline.Usagef("token list", "name the file by --tokens FILE")
		}
		tokens, err := server.ReadTokens(*path)
		if err != nil {
			return fmt.Errorf("token list: %w", err)
		}
		_, err = fmt.Fprint(env.Stdout, table(tokens, time.Now()))
		return err
	}
	return c
}

func newRevoke(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{Use: "revoke [flags] NAME", Short: "remove a token from a file", Intro: "Removes a token from a file. A daemon refuses it within a second; its requests under\nway end as they would."})
	path := fileFlag(c, env, "file to change")
	c.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return cmdline.Usagef("token revoke", "want one argument: the token's name")
		case *path == "":
			return cmdline.Usagef("token revoke", "name the file by --tokens FILE")
		}
		if err := server.RevokeToken(*path, args[0]); err != nil {
			return fmt.Errorf("token revoke: %w", err)
		}
		return nil
	}
	return c
}

func table(tokens *server.Tokens, now time.Time) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "name\tscopes\tgroups\ttags\tpriorities\tlimits\texpires")
	for _, t := range tokens.All() {
		scopes, expires := t.Scopes.String(), "never"
		if t.Legacy {
			scopes += " (not stated)"
		}
		if !t.Expires.IsZero() {
			expires = t.Expires.UTC().Format(time.RFC3339)
			if !now.Before(t.Expires) {
				expires += " (expired)"
			}
		}
		classes := "all"
		if t.Classes != nil {
			classes = strings.ReplaceAll(strings.Trim(fmt.Sprint(t.Classes), "[]"), " ", ",")
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, scopes, all(t.Groups), all(t.Tags), classes, cmp.Or(t.LimitsText(), "none"), expires)
	}
	_ = w.Flush() // of memory
	return b.String()
}

func all(p server.Patterns) string {
	if p == nil {
		return "all"
	}
	return p.String()
}
