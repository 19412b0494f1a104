// Package serve is plimsoll serve: it reads the flags, opens the listeners, and runs
// the daemon until it is asked to stop.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// New returns plimsoll serve.
func New(env cmdline.Environment) *cobra.Command {
	f := defaults()
	c := cmdline.New(cmdline.Text{Use: "serve [flags]", Short: "run the daemon: decisions over HTTP", Intro: intro, More: more})
	f.register(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.complete(c.Flags(), args, env.Getenv); err != nil {
			return err
		}
		if err := server.Remedied(f.serve(c.Context(), env)); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	}
	return c
}

func (f *flags) serve(ctx context.Context, env cmdline.Environment) error {
	log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: f.log}))
	keepHeap()
	certificate, err := f.certificate(log)
	if err != nil {
		return err
	}
	var secure *tls.Config
	if certificate != nil {
		secure = certificate.TLS()
	}
	server.CheckDescriptors(f.maxConnections, log)
	spans, err := f.spans(ctx, env, log)
	if err != nil {
		return err
	}
	builtin, err := f.startDemo(ctx)
	if err != nil {
		return err
	}
	d, err := daemon.New(daemon.Options{
		Config: f.config, Builtin: builtin, Profiles: f.profiles, Sync: f.sync, SyncMode: f.syncMode, Tokens: f.tokens, MaxLeases: f.maxLeases, MaxBody: int64(f.maxBody) << 20, Wait: f.wait, IDKey: f.idKey, Snapshot: f.snapshot, Log: log,
		Annotate: annotate(spans),
	})
	if err != nil {
		return fmt.Errorf("cannot start with %s:\n%w", f.source(), err)
	}
	if n := len(d.File().Warnings); n > 0 {
		log.Warn("the configuration has warnings; plimsoll check shows them", "warnings", n)
	}
	f.events = server.NewEvents(log)
	watch, err := newOperators(d, f.events, log)
	if err != nil {
		return err
	}
	calls, admin, err := f.open()
	if err != nil {
		return err
	}
	for _, l := range append(calls, admin...) {
		if !server.Local(l.Addr()) {
			if d.Tokens() == nil {
				closeAll(append(calls, admin...))
				return fmt.Errorf("%s can be reached from other machines, so --tokens FILE is required; plimsoll token make NAME --tokens FILE makes it. The master_key of a LiteLLM file does as well", l.Addr())
			}
			if secure == nil {
				log.Warn("tokens travel in clear text: use --tls-cert and --tls-key, or put a TLS proxy in front", "address", l.Addr().String())
			}
		}
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(life, hangup) }()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		spans.Run(life)
	}()
	if certificate != nil {
		go certificate.Run(life, time.Second)
	}
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		_ = watch.page.Run(life)
	}()

	main, side := muxes(d, watch, len(admin) > 0)
	if _, err := io.WriteString(env.Stdout, f.welcome(d, calls, admin, secure != nil)); err != nil {
		log.Warn("cannot write the welcome", "error", err.Error())
	}
	if err := server.Ready(); err != nil {
		log.Warn("cannot notify systemd", "error", err.Error())
	}
	handler := proxy.Clean(spans.Wrap(watch.timed(main)))
	if f.demo {
		go runDemoTraffic(ctx, handler)
	}
	err = f.run(ctx, d, log, secure, group{handler, calls}, group{side, admin})
	stop()
	<-sampled
	<-stopped
	if lost := <-ended; lost != nil {
		log.Error("the last usage was not shared", "error", lost.Error())
	}
	log.Info("stopped")
	return err
}

// group is a handler and its listeners.
type group struct {
	handler   http.Handler
	listeners []net.Listener
}

// run serves all groups until ctx ends or one of them fails.
func (f *flags) run(ctx context.Context, d *daemon.Daemon, log *slog.Logger, secure *tls.Config, groups ...group) error {
	hurry := cmdline.HurryOf(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(groups))
	running := 0
	for _, g := range groups {
		if len(g.listeners) == 0 {
			continue
		}
		running++
		guard := server.NewGuard(g.handler, d.Tokens, log, daemon.OpenPaths()...)
		guard.Budget, guard.Events, guard.Seen = f.budget, f.events, d.TokenCounts.Seen
		go func() {
			errs <- server.Serve(ctx, server.Config{
				Handler: guard, TLS: secure, MaxConnections: f.maxConnections,
				Drain: f.drain, LameDuck: f.lameDuck, Hurry: hurry, Events: f.events, Log: log,
				Draining: func() {
					d.Drain()
					_ = server.Stopping() // notifies systemd that the process is stopping
				},
			}, g.listeners...)
			cancel()
		}()
	}
	var all []error
	for range running {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// muxes returns the handler for clients, and one for operators if they have listeners
// of their own.
func muxes(d *daemon.Daemon, watch *operators, apart bool) (calls, admin *http.ServeMux) {
	calls = http.NewServeMux()
	d.API.Register(calls)
	d.Proxy.Register(calls)
	d.Register(calls)
	admin = calls
	if apart {
		admin = http.NewServeMux()
		d.Register(admin)
		admin.Handle("GET /v1/deployments", calls)
		admin.Handle("GET /v1/admin/tokens", calls)
		admin.HandleFunc("GET /debug/pprof/", pprof.Index)
		admin.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		admin.Handle("GET /debug/pprof/profile", server.Stream(http.HandlerFunc(pprof.Profile)))
		admin.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		admin.Handle("GET /debug/pprof/trace", server.Stream(http.HandlerFunc(pprof.Trace)))
	}
	watch.register(admin)
	return calls, admin
}

// open opens the listeners, or returns those that systemd has opened.
func (f *flags) open() (calls, admin []net.Listener, err error) {
	defer func() {
		if err != nil {
			closeAll(append(calls, admin...))
			calls, admin = nil, nil
		}
	}()
	if calls, err = server.Inherited(); err != nil {
		return calls, admin, err
	}
	if len(calls) > 0 {
		f.listen = nil
	}
	for _, address := range f.listen {
		l, err := server.Listen(address)
		if err != nil {
			return calls, admin, err
		}
		calls = append(calls, l)
	}
	if f.adminListen != "" {
		l, err := server.Listen(f.adminListen)
		if err != nil {
			return calls, admin, err
		}
		admin = append(admin, l)
	}
	return calls, admin, nil
}

func closeAll(list []net.Listener) {
	for _, l := range list {
		_ = l.Close()
	}
}

// certificate returns the certificate for TLS; nil = no TLS.
func (f *flags) certificate(log *slog.Logger) (*server.Certificate, error) {
	if f.tlsCert == "" {
		return nil, nil
	}
	c, err := server.LoadCertificate(f.tlsCert, f.tlsKey, log)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return c, nil
}

// source returns the name of the configuration for messages.
func (f *flags) source() string {
	if f.demo {
		return "the demo"
	}
	if f.config == "" {
		return "the built-in example"
	}
	return f.config
}

// welcome returns the text at the start: the addresses and what they serve.
func (f *flags) welcome(d *daemon.Daemon, calls, admin []net.Listener, secure bool) string {
	var b strings.Builder
	cfg := d.File().Engine
	groups := map[string]bool{}
	for _, dep := range cfg.Deployments {
		groups[dep.Group] = true
	}
	fmt.Fprintf(&b, "plimsoll serves %s of %s by %s.\n", cmdline.Counted(len(cfg.Deployments), "deployment"), cmdline.Counted(len(groups), "group"), f.source())
	if d.Syncer == nil {
		b.WriteString("Usage is not shared with other nodes; --sync URL does that.\n")
	}
	b.WriteString("\n")
	operators := admin
	if len(admin) == 0 {
		operators = calls
	}
	for _, l := range calls {
		fmt.Fprintf(&b, "  decisions  %s/v1/acquire and others: docs/API.md\n", address(l, secure))
		if d.Proxy.Serves() {
			fmt.Fprintf(&b, "  OpenAI     %s/openai/v1 is the base URL for its clients\n  Anthropic  %[1]s/anthropic is the base URL for its clients\n", address(l, secure))
		}
	}
	for _, l := range operators {
		fmt.Fprintf(&b, "  live page  %s/\n  metrics    %[1]s/metrics\n", address(l, secure))
	}
	if url := address(calls[0], secure); f.demo && strings.HasPrefix(url, "http") {
		fmt.Fprintf(&b, "\nTry it:\n\n  curl -s %s/openai/v1/chat/completions -H 'Content-Type: application/json' -d '{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n", url)
	} else if d.Example() && strings.HasPrefix(url, "http") {
		fmt.Fprintf(&b, "\nTry it:\n\n  curl -s %s/v1/acquire -H 'Content-Type: application/json' -d '{\"group\":\"gpt-4o\",\"input_tokens\":900}'\n", url)
	}
	b.WriteString("\n")
	return b.String()
}

// address returns the base URL of a listener for clients.
func address(l net.Listener, secure bool) string {
	a := l.Addr()
	switch {
	case a.Network() == "unix":
		return "unix:" + a.String()
	case secure:
		return "https://" + a.String()
	}
	return "http://" + a.String()
}
