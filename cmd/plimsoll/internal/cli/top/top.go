// Package top is plimsoll top: it shows a daemon in the terminal.
package top

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/drive"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/top"
)

const (
	intro = `Shows the deployments of a daemon in the terminal, with their usage of the
current minute against their limits, until q, Esc or Ctrl-C. The arrow keys, PgUp,
PgDn, Home and End scroll; s sorts by group, fullest first, trouble first, by name.
ADDRESS is http://host:port, https://host:port or unix:/path (default
http://127.0.0.1:4141). A daemon that asks for a token finds it in PLIMSOLL_TOKEN.

A token with the scope admin sees the daemon's tokens below, with the usage of their
own limits.

In a bar, what is lighter at its end is reserved by calls under way.`

	more = `NO_COLOR=1 leaves colours out.`
)

// New returns plimsoll top.
func New(env cmdline.Environment) *cobra.Command {
	var once bool
	interval := time.Second
	c := cmdline.New(cmdline.Text{
		Use: "top [flags] [ADDRESS]", Short: "show a daemon's deployments in the terminal", Intro: intro, More: more,
	})
	cmdline.Bool(c.Flags(), "once", "write the table once and end, as where there is no terminal", &once)
	cmdline.Func(c.Flags(), "interval", "TIME", "between two looks, from 100ms to 1m (default 1s)",
		cmdline.ParseTime(&interval, 100*time.Millisecond, time.Minute, "a time from 100ms to 1m"))
	c.RunE = func(c *cobra.Command, args []string) error {
		address := "http://127.0.0.1:4141"
		switch len(args) {
		case 0:
		case 1:
			address = args[0]
		default:
			return cmdline.Usagef("top", "%d arguments; give one address", len(args))
		}
		return run(c.Context(), env, address, interval, once)
	}
	return c
}

func run(ctx context.Context, env cmdline.Environment, address string, interval time.Duration, once bool) error {
	client, err := drive.NewClient(address, env.Getenv("PLIMSOLL_TOKEN"))
	if err != nil {
		return cmdline.Usagef("top", "%w", err)
	}
	defer client.Close()
	look, live := screenOf(env)
	w := top.Watch{Source: client, Name: address, Interval: interval, Out: env.Stdout, Look: look}
	if once || !live {
		err = w.Once(ctx)
	} else {
		err = w.Run(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = fmt.Errorf("no daemon answers at %s (%w); plimsoll serve starts one", address, u.Err)
	}
	if err != nil {
		return fmt.Errorf("top: %w", err)
	}
	return nil
}

// screenOf returns how to write on stdout, and whether that is a terminal that
// can be drawn upon.
func screenOf(env cmdline.Environment) (look func() top.Look, live bool) {
	f, ok := env.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() top.Look { return top.Look{} }, false
	}
	charset := env.Getenv("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if charset == "" {
			charset = env.Getenv(name)
		}
	}
	charset = strings.ToUpper(charset)
	dumb := env.Getenv("TERM") == "dumb"
	return func() top.Look {
		l := top.Look{Colour: !dumb && env.Getenv("NO_COLOR") == "", ASCII: !strings.Contains(charset, "UTF-8") && !strings.Contains(charset, "UTF8")}
		if width, height, err := term.GetSize(int(f.Fd())); err == nil {
			l.Width, l.Height = width, height
		}
		return l
	}, !dumb
}
