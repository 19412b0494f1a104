package server_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// Requests that are answered before their body has arrived end their connection, at
// once, and hold nothing that others need.
func TestUnreadBodies(t *testing.T) {
	const most = 20
	secret, line, err := server.NewToken("a")
	require.NoError(t, err)
	tokens := readTokens(t, line)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.Handle("POST /v1/", hello)
	guard := server.NewGuard(mux, func() *server.Tokens { return tokens }, slog.New(slog.DiscardHandler), "/healthz")
	a, stop := start(t, server.Config{Handler: guard, MaxConnections: most}, "127.0.0.1:0")

	for _, tt := range []struct{ request, header, status string }{
		{"GET /healthz", "", "200 OK"},
		{"POST /v1/acquire", "", "401 Unauthorized"},
		{"POST /v1/acquire", "Origin: https://evil.example\r\n", "403 Forbidden"},
		{"POST /openai/x", "Authorization: Bearer " + secret + "\r\n", "404 Not Found"},
		{"DELETE /v1/acquire", "Authorization: Bearer " + secret + "\r\n", "405 Method Not Allowed"},
	} {
		for range most + 5 {
			c := dial(t, a)
			_, err := fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: 100000\r\n\r\n{", tt.request, tt.header)
			require.NoError(t, err)
			begin := time.Now()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err, tt.request)
			require.Equal(t, "HTTP/1.1 "+tt.status, resp.Proto+" "+resp.Status)
			require.True(t, resp.Close, tt.request)
			require.Less(t, time.Since(begin), 10*time.Second, "a request may take 15 s")
		}
		require.Equal(t, "ok", get(t, client(t, a, nil), "http://127.0.0.1/healthz"), tt.request)
	}
	// Halves of headers hold nothing either.
	for range 2 * most {
		_, err := io.WriteString(dial(t, a), "POST /v1/acquire HTTP/1.1\r\nHost: 127.0.0.1\r\n")
		require.NoError(t, err)
	}
	require.Equal(t, "ok", get(t, client(t, a, nil), "http://127.0.0.1/healthz"))
	require.NoError(t, stop())
}

// A client that sends all of a large body before it reads gets the early answer, not a
// reset. One that sends a byte now and then is not waited for.
func TestEarlyAnswersArrive(t *testing.T) {
	early := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	a, _ := start(t, server.Config{Handler: early}, "127.0.0.1:0")
	const size = 16 << 20
	c := dial(t, a)
	_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
	require.NoError(t, err)
	piece := make([]byte, 64<<10)
	for range size / len(piece) {
		_, err := c.Write(piece)
		require.NoError(t, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "too large\n", string(text))

	c = dial(t, a)
	_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", size)
	require.NoError(t, err)
	_, err = io.ReadAll(c) // until the server closes it
	require.NoError(t, err)
}

// A body that has arrived leaves its connection to the next request, whatever the
// answer was.
func TestReadBodiesKeepConnections(t *testing.T) {
	a, _ := start(t, server.Config{Handler: hello}, "127.0.0.1:0")
	c := dial(t, a)
	in := bufio.NewReader(c)
	for range 3 {
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		require.NoError(t, err)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.False(t, resp.Close)
	}
}

// A token, and a client's address where that is asked for, have only so many requests
// under way.
func TestBudget(t *testing.T) {
	_, line, err := server.NewToken("a")
	require.NoError(t, err)
	secret, second, err := server.NewToken("b")
	require.NoError(t, err)
	tokens := readTokens(t, line+"\n"+second)
	in, out := make(chan struct{}), make(chan struct{})
	guard := server.NewGuard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "b", server.CallerOf(r.Context()).Name)
		in <- struct{}{}
		<-out
	}), func() *server.Tokens { return tokens }, slog.New(slog.DiscardHandler))
	guard.Budget = &server.Budget{PerToken: 2}
	var refused atomic.Int64
	a, _ := start(t, server.Config{Handler: guard}, "127.0.0.1:0")
	ask := func() {
		r, err := http.NewRequest("GET", "http://x/v1/deployments", nil)
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		resp, err := client(t, a, nil).Do(r)
		if err != nil {
			return
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "1" {
			refused.Add(1)
			in <- struct{}{}
		}
	}
	for range 3 {
		go ask()
		<-in
	}
	require.EqualValues(t, 1, refused.Load())
	// A reload keeps what is under way.
	again := readTokens(t, line+"\n"+second)
	again.Keep(tokens)
	tokens = again
	go ask()
	<-in
	require.EqualValues(t, 2, refused.Load())
	close(out)
}

func TestClientAddress(t *testing.T) {
	trusted, err := server.ParseNetworks("10.0.0.0/8, 127.0.0.1,fd00::/8")
	require.NoError(t, err)
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "203.0.113.9", "192.0.2.7"}, // says a client of itself
		{"10.1.2.3:1", "203.0.113.9", "203.0.113.9"},
		{"10.1.2.3:1", "198.51.100.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"},
		{"10.1.2.3:1", "nonsense", "10.1.2.3"},
		{"[fd00::1]:1", "2001:db8::1:2:3:4", "2001:db8::"},
		{"[2001:db8:0:0:1:2:3:4]:1", "", "2001:db8::"},
		{"@", "", "invalid IP"},
	} {
		r, err := http.NewRequest("GET", "/", nil)
		require.NoError(t, err)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		b := server.Budget{PerAddress: 1, Trusted: trusted}
		require.Equal(t, tt.want, b.Client(r).String(), tt)
	}
	_, err = server.ParseNetworks("10.0.0.0/33")
	require.ErrorContains(t, err, "want networks such as")
	require.True(t, netip.MustParsePrefix("10.0.0.0/8").Contains(netip.MustParseAddr("10.1.1.1")))
}

// Each kind of failure is logged once a minute, with its count.
func TestEvents(t *testing.T) {
	var log strings.Builder
	e := server.NewEvents(slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Now()
	e.SetNow(func() time.Time { return now })
	for range 3 {
		_, err := io.WriteString(e, "http: TLS handshake error from 192.0.2.7:1: no certificate\n")
		require.NoError(t, err)
	}
	_, err := io.WriteString(e, "http: panic serving 192.0.2.7:1: boom\ngoroutine 1 [running]:\n")
	require.NoError(t, err)
	_, err = io.WriteString(e, "http: TLS handshake error from 192.0.2.7:1: EOF\n") // a port scan
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(log.String(), "kind=tls_handshake"))
	require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	now = now.Add(time.Minute)
	e.Count(server.TLSHandshake, "again")
	require.Contains(t, log.String(), "count=3 detail=again")
	counts := map[string]int64{}
	e.Counts(func(k server.Event, n int64) { counts[k.String()] = n })
	require.EqualValues(t, 4, counts["tls_handshake"])
	require.EqualValues(t, 1, counts["handler_panic"])
}

// A handler that fails and a plain client at a TLS port are seen by operators.
func TestServerReportsEvents(t *testing.T) {
	var log syncBuilder
	a, _ := start(t, server.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("boom")
	})}, "127.0.0.1:0")
	_, err := client(t, a, nil).Get("http://x/")
	require.Error(t, err)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "kind=handler_panic") }, 10*time.Second, 5*time.Millisecond)
}

// While the end is announced, new connections are accepted; hurrying ends that.
func TestLameDuck(t *testing.T) {
	hurry, draining := make(chan struct{}), make(chan struct{})
	a, stop := start(t, server.Config{Handler: hello, LameDuck: time.Hour, Hurry: hurry, Draining: func() { close(draining) }}, "127.0.0.1:0")
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	<-draining
	require.Equal(t, "HTTP/1.1", get(t, client(t, a, nil), "http://x/"))
	close(hurry)
	require.NoError(t, <-ended)
	_, err := client(t, a, nil).Get("http://x/")
	require.Error(t, err)
}
