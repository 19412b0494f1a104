package sdktest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A network connects HTTP servers and clients of one process by pipes, so that all
// of it can live in virtual time.
type network struct {
	mu    sync.Mutex
	hosts map[string]chan net.Conn
}

// serve serves a host, as "name:80", until the test ends.
func (n *network) serve(t *testing.T, host string, h http.Handler) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]chan net.Conn{}
	}
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.hosts[host] = l.conns
	srv := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
}

// transport returns an HTTP transport that dials the network's hosts.
func (n *network) transport(t *testing.T) *http.Transport {
	t.Helper()
	rt := &http.Transport{MaxIdleConnsPerHost: 1000, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		n.mu.Lock()
		conns := n.hosts[address]
		n.mu.Unlock()
		near, far := net.Pipe()
		select {
		case conns <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
