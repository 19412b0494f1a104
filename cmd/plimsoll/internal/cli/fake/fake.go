// Package fake is plimsoll fake: a provider of models to try the proxy with.
package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/fake"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

const intro = `Serves accounts of providers that exist only here, each with the limits, headers and
refusals of a real one, behind the APIs of OpenAI and Anthropic. Answers are words
without meaning; "out=120" in a prompt asks for 120 tokens. No key is needed. GET
/counts says what each account has done. 'plimsoll serve --demo' runs the proxy
before such accounts.`

// New returns plimsoll fake.
func New(env cmdline.Environment) *cobra.Command {
	listen, latency, window := "127.0.0.1:4142", 200*time.Millisecond, time.Minute
	var accounts []fake.Account
	c := cmdline.New(cmdline.Text{Use: "fake [flags]", Short: "serve a fake provider, to try the proxy without a key", Intro: intro})
	cmdline.Func(c.Flags(), "listen", "ADDRESS", "host:port (default 127.0.0.1:4142)", cmdline.ParseName(&listen, "want host:port"))
	cmdline.Func(c.Flags(), "account", "NAME=RULE,rpm=N,…", "an account; may come several times. Rules: "+strings.Join(fake.RuleNames(), ", ")+". Limits: rpm, tpm, input_tpm, output_tpm, rpd, tpd (default: accounts of several providers)", func(s string) error {
		a, err := fake.ParseAccount(s)
		accounts = append(accounts, a)
		return err
	})
	cmdline.Func(c.Flags(), "latency", "TIME", "how long an answer takes to begin, from 0s to 1m (default 200ms)", cmdline.ParseTime(&latency, 0, time.Minute, "a time from 0s to 1m"))
	cmdline.Func(c.Flags(), "window", "TIME", "how long a minute of the limits takes, from 1s to 1m; headers and refusals follow (default 1m)", cmdline.ParseTime(&window, time.Second, time.Minute, "a time from 1s to 1m"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cmdline.Usagef("fake", "unexpected argument %q", args[0])
		}
		return run(c.Context(), env, listen, fake.Config{Accounts: accounts, Latency: latency, Window: window})
	}
	return c
}

func run(ctx context.Context, env cmdline.Environment, listen string, cfg fake.Config) error {
	s, err := fake.New(cfg)
	if err != nil {
		return cmdline.Usagef("fake", "%w", err)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("fake: %w", err)
	}
	if _, err := io.WriteString(env.Stdout, welcome(l.Addr().String(), cfg.Accounts)); err != nil {
		return fmt.Errorf("fake: %w", err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("fake: %w", err)
	}
	return nil
}

// welcome lists the accounts and their base URLs.
func welcome(address string, accounts []fake.Account) string {
	if len(accounts) == 0 {
		accounts = fake.Default
	}
	var b strings.Builder
	b.WriteString("A fake provider with these accounts; any key will do.\n\n")
	for _, a := range accounts {
		path := "/v1"
		if r, _ := rule.Named(a.Rule); r.Dialect == rule.Anthropic || strings.HasPrefix(a.Rule, "azure") {
			path = "" // clients add it
		}
		fmt.Fprintf(&b, "  %-12s http://%s/%s%s, counts as %s\n", a.Name, address, a.Name, path, a.Rule)
	}
	return b.String()
}
