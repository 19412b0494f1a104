package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pipes is a network without loss until it dies: then what is written is lost, and
// nothing arrives.
type pipes struct {
	accept chan net.Conn
	dead   atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.accept <- server
	return &mortal{client, p}, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

type mortal struct {
	net.Conn
	net *pipes
}

func (m *mortal) Write(b []byte) (int, error) {
	if m.net.dead.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// An HTTP/2 connection that has died, without a word from the network, is noticed by
// pings within 16 s, though an answer may take ten minutes.
func TestDeadConnectionsAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{accept: make(chan net.Conn, 4), closed: make(chan struct{})}
		h2 := new(http.Protocols)
		h2.SetUnencryptedHTTP2(true)
		server := &http.Server{Protocols: h2, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "{}")
		})}
		go func() { _ = server.Serve(network) }()
		base := newBase()
		base.Proxy, base.DialContext, base.Protocols = nil, network.dial, h2
		post := func() error {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h/", strings.NewReader("{}"))
			require.NoError(t, err)
			resp, err := base.RoundTrip(r)
			if err != nil {
				return err
			}
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			return err
		}
		require.NoError(t, post())
		network.dead.Store(true)
		begin := time.Now()
		require.ErrorContains(t, post(), "http2: client connection lost")
		require.LessOrEqual(t, time.Since(begin), 16*time.Second)
		network.dead.Store(false)
		require.NoError(t, post(), "a new connection")
		base.CloseIdleConnections()
		_ = server.Close()
	})
}
