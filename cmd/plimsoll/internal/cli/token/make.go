package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

const makeIntro = `Makes a token and adds it to the file, or writes its line to the standard output where
there is none. The token goes to the standard error.`

func newMake(env cmdline.Environment) *cobra.Command {
	t := server.Token{Scopes: server.Decide | server.Observe | server.Proxy}
	c := cmdline.New(cmdline.Text{Use: "make [flags] NAME", Short: "make a token", Intro: makeIntro})
	path := fileFlag(c, env, "file to add it to")
	set := c.Flags()
	cmdline.Func(set, "scopes", "LIST", "what it is for: any of decide, observe, proxy, admin (default decide,observe,proxy)", func(s string) (err error) {
		t.Scopes, err = server.ParseScopes(s)
		return err
	})
	cmdline.Func(set, "groups", "LIST", "groups it is for; * stands for any text (default: all)", func(s string) (err error) {
		t.Groups, err = words(s)
		return err
	})
	cmdline.Func(set, "tags", "LIST", "tags it may ask for; * stands for any text (default: all)", func(s string) (err error) {
		t.Tags, err = words(s)
		return err
	})
	cmdline.Func(set, "priorities", "LIST", "classes of priority it may ask for (default: all)", func(s string) (err error) {
		t.Classes, err = server.ParseClasses(s)
		return err
	})
	cmdline.Func(set, "expires", "WHEN", "a time such as 2030-01-31T00:00:00Z, or a duration from now such as 720h (default: never)", func(s string) (err error) {
		t.Expires, err = expiry(s, time.Now())
		return err
	})
	for _, l := range [...]struct{ flag, attribute, usage string }{
		{"rpm", "rpm", "requests per minute that it may make (default: no limit)"},
		{"tpm", "tpm", "tokens per minute that it may use (default: no limit)"},
		{"in-flight", "in_flight", "requests that it may have under way on each node (default: no limit)"},
	} {
		cmdline.Func(set, l.flag, "N", l.usage, func(s string) error {
			_, err := t.SetLimit(l.attribute, s)
			return err
		})
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return cmdline.Usagef("token make", "want one argument: the name of the client")
		}
		t.Name = args[0]
		secret, err := t.Mint()
		if err != nil {
			return cmdline.Usagef("token make", "%w", err)
		}
		if *path == "" {
			return hand(env, secret, t.Line())
		}
		if err := server.AddToken(*path, &t); err != nil {
			return fmt.Errorf("token make: %w", err)
		}
		return hand(env, secret, "")
	}
	return c
}

// words are patterns that a line of the file can hold.
func words(text string) (server.Patterns, error) {
	if strings.ContainsAny(text, " \t\r\n") {
		return nil, errors.New("want names without spaces, with commas between them; * stands for a space too")
	}
	return server.ParsePatterns(text)
}

// expiry reads a time in the future.
func expiry(text string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if d, e := time.ParseDuration(text); e == nil {
		at, err = now.Add(d).Truncate(time.Second), nil
	}
	switch {
	case err != nil:
		return at, errors.New("want a time such as 2030-01-31T00:00:00Z, or a duration from now such as 720h")
	case !at.After(now):
		return at, fmt.Errorf("that was %v ago; want a time to come", now.Sub(at).Round(time.Second))
	}
	return at, nil
}
