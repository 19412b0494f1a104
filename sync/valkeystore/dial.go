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

// settings are those of a client for batches: one connection to a server, used
// for all of them, and nothing sent twice by the client itself. ConnLifetime
// stays zero: with it, valkey-go repeats increments that were under way.
func settings() valkey.ClientOption {
	return valkey.ClientOption{
		ClientName:          "plimsoll",
		ClientSetInfo:       valkey.DisableClientSetInfo, // a right less to ask for
		DisableCache:        true,
		DisableRetry:        true,
		AlwaysPipelining:    true,
		PipelineMultiplex:   -1,
		BlockingPipeline:    -1, // a large batch takes the same connection
		RingScaleEachConn:   8,
		ReadBufferEachConn:  1 << 16,
		WriteBufferEachConn: 1 << 16,
		ConnWriteTimeout:    time.Second,
		Dialer:              net.Dialer{Timeout: 2 * time.Second, KeepAlive: time.Second},
	}
}

// sentinelRefresh finds a failover whose announcement was missed.
const sentinelRefresh = 5 * time.Second

// Dial connects a client to an address such as [Open] takes, with the settings
// that Open uses: it sends nothing twice. It is for [New], and for what else a
// program keeps on the server. Ctx bounds the connecting alone; close the client
// when done. An error names what is wrong and no secret.
func Dial(ctx context.Context, address string) (valkey.Client, error) {
	t, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("valkeystore: address: %w", err)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // the client connects again with it
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

// dial makes a client and connects it. It gives up when ctx ends.
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

// refusesName reports whether a server would not have the connection named: it knows no
// HELLO, which names it in passing, and no CLIENT or no right to it.
func refusesName(err error) bool {
	refused, ok := errors.AsType[*valkey.ValkeyError](err)
	return ok && strings.Contains(strings.ToLower(refused.Error()), "setname")
}

// connect opens a connection that, when closed, throws away what was not sent:
// a batch that was given up should not arrive later if that can be helped.
func connect(ctx context.Context, address string, d *net.Dialer, cfg *tls.Config) (net.Conn, error) {
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a courtesy
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
		_ = conn.Close() // the handshake's error says it
		return nil, err
	}
	return secure, nil
}
