package server_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// offer is what a listener gives: a connection, or an error.
type offer struct {
	conn net.Conn
	err  error
}

// offers is a listener of what a test sends.
type offers chan offer

func (o offers) Accept() (net.Conn, error) {
	next, ok := <-o
	if !ok {
		return nil, net.ErrClosed
	}
	return next.conn, next.err
}
func (offers) Close() error   { return nil }
func (offers) Addr() net.Addr { return &net.TCPAddr{} }

// from is a connection of a client's address.
type from struct {
	net.Conn
	remote net.Addr
	closed *atomic.Bool
}

func connFrom(remote string) from {
	a, err := net.ResolveTCPAddr("tcp", remote)
	if err != nil {
		panic(err)
	}
	return from{nil, a, &atomic.Bool{}}
}

func (f from) RemoteAddr() net.Addr { return f.remote }
func (f from) Close() error         { f.closed.Store(true); return nil }

// A client's connection is served after one of each other address, however many those
// have opened before. Networks of IPv6 are one address.
func TestTurnsByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := make(offers)
		l := server.Bounded(in, 5000, nil)
		for range 4000 {
			in <- offer{conn: connFrom("127.0.0.2:1000")}
		}
		for _, remote := range []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "10.0.0.1:1", "10.0.0.2:1"} {
			in <- offer{conn: connFrom(remote)}
		}
		synctest.Wait()
		var order []string
		for range 7 {
			c, err := l.Accept()
			require.NoError(t, err)
			order = append(order, c.RemoteAddr().String())
		}
		require.Equal(t, []string{"127.0.0.2:1000", "[2001:db8::1]:1", "10.0.0.1:1", "10.0.0.2:1", "127.0.0.2:1000", "[2001:db8::2]:1", "127.0.0.2:1000"}, order)
		for range 4000 + 5 - 7 { // none is lost
			_, err := l.Accept()
			require.NoError(t, err)
		}
		close(in)
		_, err := l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// Connections that are closed to make room leave their line. Errors of the listener reach
// the server, which pauses, and are reported.
func TestTurnsOfClosedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := make(offers)
		events := server.NewEvents(slog.New(slog.DiscardHandler))
		l := server.Bounded(in, 3, events)
		old := connFrom("10.0.0.1:1")
		in <- offer{conn: old}
		for _, remote := range []string{"10.0.0.2:1", "10.0.0.2:2", "10.0.0.2:3"} {
			in <- offer{conn: connFrom(remote)}
		}
		in <- offer{err: syscall.EMFILE}
		synctest.Wait()
		require.True(t, old.closed.Load())
		var order []string
		for range 3 {
			c, err := l.Accept()
			require.NoError(t, err)
			order = append(order, c.RemoteAddr().String())
		}
		require.Equal(t, []string{"10.0.0.2:1", "10.0.0.2:2", "10.0.0.2:3"}, order)
		_, err := l.Accept()
		require.ErrorIs(t, err, syscall.EMFILE)
		events.Counts(func(e server.Event, n int64) {
			require.Equal(t, e == server.DescriptorsExhausted, n == 1, e)
		})
		in <- offer{conn: connFrom("10.0.0.3:1")}
		c, err := l.Accept()
		require.NoError(t, err)
		require.Equal(t, "10.0.0.3:1", c.RemoteAddr().String())
		close(in)
		synctest.Wait()
	})
}

// A crowd without a token closes no connection that a client with one keeps.
func TestStrangersCloseStrangers(t *testing.T) {
	const most = 40
	secret, line, err := server.NewToken("a")
	require.NoError(t, err)
	tokens := readTokens(t, line)
	guard := server.NewGuard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
		func() *server.Tokens { return tokens }, slog.New(slog.DiscardHandler))
	a, _ := start(t, server.Config{Handler: guard, MaxConnections: most}, "127.0.0.1:0")
	ask := func(c net.Conn) string {
		return exchange(t, c, "GET /v1/deployments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+secret+"\r\n\r\n")
	}
	var kept []net.Conn
	for range most / 2 {
		kept = append(kept, dial(t, a))
		require.Equal(t, "ok", ask(kept[len(kept)-1]))
	}
	for range 5 * most {
		require.Contains(t, exchange(t, dial(t, a), "GET /v1/deployments HTTP/1.1\r\nHost: x\r\n\r\n"), "no_token")
	}
	for _, c := range kept {
		require.Equal(t, "ok", ask(c))
	}
	// Clients with tokens may use all connections; then the longest quiet one goes.
	for range most {
		require.Equal(t, "ok", ask(dial(t, a)))
	}
	_, err = io.WriteString(kept[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err == nil {
		_, err = kept[0].Read(make([]byte, 1))
	}
	require.Error(t, err)
}

// exchange sends a request and returns the body of its answer.
func exchange(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}
