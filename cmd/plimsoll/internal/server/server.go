package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	maxHeaderBytes = 16 << 10
	maxStreams     = 250 // at once, on a connection of HTTP/2

	defaultConnections = 4096
)

// Limits are the time-outs of the parts of a request. Zero values are their
// defaults.
type Limits struct {
	Header  time.Duration // 0 = 5 s
	Request time.Duration // header and body; 0 = 15 s
	Answer  time.Duration // from the header's end on; 0 = 30 s
	Idle    time.Duration // between two requests of a connection; 0 = 90 s
}

func (l Limits) withDefaults() Limits {
	l.Header = cmp.Or(l.Header, 5*time.Second)
	l.Request = cmp.Or(l.Request, 15*time.Second)
	l.Answer = cmp.Or(l.Answer, 30*time.Second)
	l.Idle = cmp.Or(l.Idle, 90*time.Second)
	return l
}

// Config configures a server.
type Config struct {
	Handler http.Handler
	// TLS, if not nil, is used on every listener except Unix sockets.
	TLS    *tls.Config
	Limits Limits
	// MaxConnections is the largest number of open connections of all listeners
	// together; 0 = 4096.
	MaxConnections int
	// Drain is how long requests in flight may take to end; 0 = 10 s.
	Drain time.Duration
	// Draining, if not nil, is called when the shutdown begins.
	Draining func()
	// LameDuck is how long the server still accepts connections and requests after the call
	// of Draining, so that balancers can notice it first; 0 = no time. Closing Hurry, if
	// it is not nil, ends that time.
	LameDuck time.Duration
	Hurry    <-chan struct{}
	Events   *Events      // nil = those of Log
	Log      *slog.Logger // nil disables logging
}

// Serve answers requests on the listeners until ctx ends. It then waits for the requests
// in flight and closes the listeners. It supports HTTP/1.1 and HTTP/2, also without TLS.
// It returns an error if a request did not end within Config.Drain.
func Serve(ctx context.Context, cfg Config, listeners ...net.Listener) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Events == nil {
		cfg.Events = NewEvents(cfg.Log)
	}
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = defaultConnections
	}
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second
	}
	draining, drain := context.WithCancel(context.Background())
	defer drain()
	s := newHTTP(draining, cfg)
	failed := make(chan error, len(listeners))
	var wg sync.WaitGroup
	conns := newConns(cfg.MaxConnections, cfg.Events)
	s.ConnState, s.ConnContext = conns.state, conns.context
	s.RegisterOnShutdown(conns.closeQuiet)
	for _, l := range listeners {
		secure := cfg.TLS != nil && l.Addr().Network() != "unix"
		l := conns.bound(l, !secure)
		wg.Go(func() {
			if secure {
				failed <- s.ServeTLS(l, "", "")
			} else {
				failed <- s.Serve(l)
			}
		})
	}
	defer wg.Wait()
	select {
	case err := <-failed:
		_ = s.Close()
		return err
	case <-ctx.Done():
	}
	if cfg.Draining != nil {
		cfg.Draining()
	}
	duck := time.NewTimer(cfg.LameDuck)
	defer duck.Stop()
	select {
	case err := <-failed:
		_ = s.Close()
		return err
	case <-duck.C:
	case <-cfg.Hurry:
	}
	drain()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Drain)
	defer cancel()
	if err := s.Shutdown(end); err != nil {
		_ = s.Close()
		return errors.New("requests in flight did not end in time and were broken off; a longer --drain gives them more")
	}
	return nil
}

func newHTTP(draining context.Context, cfg Config) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	limits := cfg.Limits.withDefaults()
	base := context.WithValue(context.Background(), serverKey{}, &serving{draining, limits.Answer})
	return &http.Server{
		Handler: withExchange(cfg.Handler), TLSConfig: cfg.TLS, Protocols: &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: limits.Header, ReadTimeout: limits.Request, WriteTimeout: limits.Answer, IdleTimeout: limits.Idle,
		MaxHeaderBytes: maxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       log.New(cfg.Events, "", 0),
	}
}
