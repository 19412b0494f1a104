package valkeystore

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

// settings returns the options of a client for batches: one connection to each
// server for all of them, and no retries by the client. ConnLifetime stays zero,
// because with it valkey-go repeats increments that are in flight.
func settings() valkey.ClientOption {
	return valkey.ClientOption{
		ClientName:          "plimsoll",
		ClientSetInfo:       valkey.DisableClientSetInfo, // the server user needs one right less
		DisableCache:        true,
		DisableRetry:        true,
		AlwaysPipelining:    true,
		PipelineMultiplex:   -1,
		BlockingPipeline:    -1, // a large batch uses the same connection
		RingScaleEachConn:   8,
		ReadBufferEachConn:  1 << 16,
		WriteBufferEachConn: 1 << 16,
		ConnWriteTimeout:    time.Second,
		Dialer:              net.Dialer{Timeout: 2 * time.Second, KeepAlive: time.Second},
	}
}

// sentinelRefresh is the time between two queries of the primary, which find a
// failover whose announcement was missed.
const sentinelRefresh = 5 * time.Second

// Dial connects a client to an address of the form that [Open] takes, with the
// same settings, so that the client sends nothing twice. The client is for
// [New], and for other data that a program keeps on the server. Ctx bounds the
// time to connect only. The caller closes the client. An error contains no
// secret.
func Dial(ctx context.Context, address string) (valkey.Client, error) {
	t, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("valkeystore: address: %w", err)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // the client reconnects with this context
	held := context.AfterFunc(ctx, end)
	c, err := t.dial(life)
	if err == nil && held() {
		return c, nil
	}
	end()
	if c != nil {
		c.Close()
	}
	if err == nil {
		err = ctx.Err()
	}
	return nil, fmt.Errorf("valkeystore: connecting: %w", err)
}

// dial creates and connects a client. It gives up when ctx ends.
func (t *target) dial(ctx context.Context) (valkey.Client, error) {
	o := t.option
	password, err := t.password.read()
	if err != nil {
		return nil, err
	}
	o.Password = password
	if o.TLSConfig != nil {
		o.TLSConfig = o.TLSConfig.Clone()
	}
	if o.Sentinel.MasterSet != "" {
		if o.Sentinel.Password, err = t.sentinel.read(); err != nil {
			return nil, err
		}
		o.Sentinel.Dialer, o.Sentinel.TLSConfig = o.Dialer, o.TLSConfig
		o.Sentinel.TopologyRefreshInterval = sentinelRefresh
	} else if !t.cluster {
		o.ForceSingleClient = true
	}
	o.DialCtxFn = func(each context.Context, address string, d *net.Dialer, cfg *tls.Config) (net.Conn, error) {
		each, cancel := context.WithCancel(each)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		conn, err := connect(each, address, d, cfg)
		if err != nil {
			return nil, err
		}
		return &checked{Conn: conn}, nil
	}
	c, err := valkey.NewClient(o)
	if refusesName(err) {
		o.ClientName = "" // which is for people who look at CLIENT LIST
		c, err = valkey.NewClient(o)
	}
	return c, t.unauthorized(err)
}

// unauthorized adds to an error of a server that refuses who connects which credential of the
// address it refuses, and never the credential itself.
func (t *target) unauthorized(err error) error {
	refused, ok := errors.AsType[*valkey.ValkeyError](err)
	switch {
	case !ok:
		return err
	case hasCode(refused, "WRONGPASS"):
		remedy := fmt.Sprintf("correct user %q or the password %s, or the server's users", cmp.Or(t.option.Username, "default"), t.password.place())
		if t.option.Sentinel.MasterSet != "" {
			remedy += fmt.Sprintf("; of the Sentinels, user %q or the password %s", cmp.Or(t.option.Sentinel.Username, "default"), t.sentinel.place())
		}
		return fmt.Errorf("%w (%s)", err, remedy)
	case hasCode(refused, "NOAUTH"):
		return fmt.Errorf("%w (the server wants a password; give one by password_file=PATH, password_env=NAME or in the address)", err)
	}
	return err
}

// refusesName reports whether a server refuses to name the connection: it has no HELLO,
// whose SETNAME does so, and no CLIENT, or the user has no right to CLIENT.
func refusesName(err error) bool {
	refused, ok := errors.AsType[*valkey.ValkeyError](err)
	return ok && strings.Contains(strings.ToLower(refused.Error()), "setname")
}

// connect opens a connection that discards unsent bytes when it is closed, so
// that a cancelled batch arrives late as rarely as possible.
func connect(ctx context.Context, address string, d *net.Dialer, cfg *tls.Config) (net.Conn, error) {
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // an error does not matter
	}
	if cfg == nil {
		return conn, nil
	}
	if cfg.ServerName == "" {
		host, _, _ := net.SplitHostPort(address)
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is returned
		return nil, err
	}
	return secure, nil
}
