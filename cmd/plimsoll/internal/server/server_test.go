package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// start serves until the test ends, and returns the address and what ends it.
func start(t *testing.T, cfg server.Config, address string) (net.Addr, func() error) {
	t.Helper()
	l, err := server.Listen(address)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, cfg, l) }()
	ended := false
	stop := func() error {
		cancel()
		if ended {
			return nil
		}
		ended = true
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	return l.Addr(), stop
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprint(w, r.Proto)
})

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

// client returns an HTTP client of an address.
func client(t *testing.T, a net.Addr, set func(*http.Transport)) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, a.Network(), a.String())
	}}
	if set != nil {
		set(tr)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}

func TestProtocols(t *testing.T) {
	a, stop := start(t, server.Config{Handler: hello}, "127.0.0.1:0")
	require.Equal(t, "HTTP/1.1", get(t, client(t, a, nil), "http://x/"))
	require.Equal(t, "HTTP/2.0", get(t, client(t, a, func(tr *http.Transport) {
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetUnencryptedHTTP2(true)
	}), "http://x/"))
	require.NoError(t, stop())
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	a, stop := start(t, server.Config{Handler: hello}, "unix:"+path)
	require.True(t, server.Local(a))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, "HTTP/1.1", get(t, client(t, a, nil), "http://x/"))
	_, err = server.Listen("unix:" + path)
	require.ErrorContains(t, err, "another process listens there")
	require.NoError(t, stop())

	// One that a dead process left behind is replaced.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	dead.SetUnlinkOnClose(false)
	require.NoError(t, dead.Close())
	start(t, server.Config{Handler: hello}, "unix:"+path)
}

func TestTLS(t *testing.T) {
	cert := certificate(t)
	a, _ := start(t, server.Config{Handler: hello, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, "127.0.0.1:0")
	trust := func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // whose it is does not matter here
		tr.ForceAttemptHTTP2 = true
	}
	require.Equal(t, "HTTP/2.0", get(t, client(t, a, trust), "https://x/"))
	require.Contains(t, get(t, client(t, a, nil), "http://x/"), "HTTP request to an HTTPS server")
}

// A header that arrives a byte at a time ends at its timeout, and delays no other
// client.
func TestSlowHeader(t *testing.T) {
	a, _ := start(t, server.Config{Handler: hello, Limits: server.Limits{Header: 100 * time.Millisecond}}, "127.0.0.1:0")
	slow := dial(t, a)
	_, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", get(t, client(t, a, nil), "http://x/"))
	_, err = io.ReadAll(slow)
	require.NoError(t, err, "closed by the server")
}

// A body that does not arrive ends its request.
func TestSlowBody(t *testing.T) {
	a, _ := start(t, server.Config{Handler: hello, Limits: server.Limits{Request: 100 * time.Millisecond}}, "127.0.0.1:0")
	slow := dial(t, a)
	_, err := io.WriteString(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	require.NoError(t, err)
	text, err := io.ReadAll(slow)
	require.NoError(t, err, "closed by the server")
	require.Contains(t, string(text), "400 Bad Request")
}

func TestLargeHeader(t *testing.T) {
	a, _ := start(t, server.Config{Handler: hello}, "127.0.0.1:0")
	c := dial(t, a)
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 30<<10)+"\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}

// Idle connections make room, the longest idle first; requests are served.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	const most = 50
	a, stop := start(t, server.Config{Handler: hello, MaxConnections: most}, "127.0.0.1:0")
	var idle []net.Conn
	for i := range 4 * most {
		c := dial(t, a)
		if i%2 == 0 { // half of them have asked for something
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, 200, resp.StatusCode)
		}
		idle = append(idle, c)
	}
	require.Equal(t, "HTTP/1.1", get(t, client(t, a, nil), "http://x/"))
	one := make([]byte, 1)
	_, err := idle[0].Read(one)
	require.Error(t, err, "the first has gone")
	require.NoError(t, idle[4*most-1].SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = idle[4*most-1].Read(one)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "the last is still there")
	require.NoError(t, stop())
}

// While all connections are being served, a new one gets an answer that says so.
func TestBusyConnectionsStay(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	a, _ := start(t, server.Config{MaxConnections: 1, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		in <- struct{}{}
		<-out
	})}, "127.0.0.1:0")
	busy := dial(t, a)
	_, err := io.WriteString(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	<-in
	resp, err := http.ReadResponse(bufio.NewReader(dial(t, a)), nil)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 503, resp.StatusCode)
	require.Contains(t, string(text), `"too_many_connections"`)
	close(out)
	resp, err = http.ReadResponse(bufio.NewReader(busy), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
}

// Requests under way are let end; those that do not are broken off in time.
func TestDrain(t *testing.T) {
	for _, endless := range []bool{false, true} {
		in, out := make(chan struct{}), make(chan struct{})
		draining := make(chan struct{})
		cfg := server.Config{
			Drain: 10 * time.Second, Draining: func() { close(draining) },
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(in)
				<-out
				_, _ = io.WriteString(w, "done")
			}),
		}
		if endless {
			cfg.Drain = 10 * time.Millisecond
		}
		a, stop := start(t, cfg, "127.0.0.1:0")
		answer := make(chan string, 1)
		go func() {
			resp, err := client(t, a, nil).Get("http://x/")
			if err != nil {
				answer <- "broken off"
				return
			}
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			answer <- string(text)
		}()
		<-in
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		<-draining
		if endless {
			require.ErrorContains(t, <-ended, "broken off")
			require.Equal(t, "broken off", <-answer)
			close(out)
			continue
		}
		close(out)
		require.NoError(t, <-ended)
		require.Equal(t, "done", <-answer)
	}
}

// A stream outlasts what an answer may take, and ends with the server.
func TestStream(t *testing.T) {
	limits := server.Limits{Request: 50 * time.Millisecond, Answer: 50 * time.Millisecond}
	ended := make(chan error, 1)
	a, stop := start(t, server.Config{Limits: limits, Handler: server.Stream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				ended <- r.Context().Err()
				return
			case <-tick.C:
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))}, "127.0.0.1:0")
	resp, err := client(t, a, nil).Get("http://x/")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	_, err = io.ReadFull(resp.Body, make([]byte, 15)) // 150 ms
	require.NoError(t, err)
	require.NoError(t, stop())
	require.True(t, errors.Is(<-ended, context.Canceled))
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:4141": true, ":0": true, "[::1]:80": true, "unix:/run/x": true,
		"": false, "4141": false, "unix:": false, "h:x": false, "h:65536": false, "h:-1": false,
	} {
		require.Equal(t, ok, server.CheckAddress(address) == nil, address)
	}
	require.False(t, server.Local(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}))
	require.False(t, server.Local(&net.TCPAddr{}), "all addresses")
	require.True(t, server.Local(&net.TCPAddr{IP: net.IPv6loopback}))
}
