package cli_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// crowd is how many connections a daemon is to bear; both ends need a file
// descriptor for each, in processes of their own.
const crowd = 5000

// openFiles makes sure that this process, and the daemon it starts, may have as
// many files open. Go has raised the soft limit to the hard one already.
func openFiles(tb testing.TB, n uint64) {
	tb.Helper()
	var limit syscall.Rlimit
	require.NoError(tb, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.GreaterOrEqual(tb, limit.Cur, n, "raise the limit on open files (ulimit -Hn)")
}

// connect opens n connections; each sends what is to be sent, and takes in an
// answer if one comes to that.
func (c *child) connect(tb testing.TB, n int, send string, answered bool) []net.Conn {
	tb.Helper()
	list := make([]net.Conn, n)
	for i := range list {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		require.NoError(tb, err)
		tb.Cleanup(func() { _ = conn.Close() })
		list[i] = conn
		_, err = io.WriteString(conn, send)
		require.NoError(tb, err)
		if answered {
			resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
			require.NoError(tb, err)
			require.NoError(tb, resp.Body.Close())
			require.Equal(tb, 200, resp.StatusCode)
		}
	}
	return list
}

// closed counts the connections that the daemon has closed, after its answer if
// there was one.
func closed(tb testing.TB, list []net.Conn) (n int) {
	tb.Helper()
	buf := make([]byte, 512)
	for _, c := range list {
		raw, err := c.(*net.TCPConn).SyscallConn()
		require.NoError(tb, err)
		require.NoError(tb, raw.Read(func(fd uintptr) bool {
			got, err := 1, error(nil)
			for got > 0 && err == nil {
				got, err = syscall.Read(int(fd), buf)
			}
			if !errors.Is(err, syscall.EAGAIN) { // the end, or a reset
				n++
			}
			return true
		}))
	}
	return n
}

const askForHealth = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

// Five thousand idle connections hinder no decision, and leave nothing behind.
func TestServeCrowd(t *testing.T) {
	openFiles(t, crowd+200)
	c := serveChild(t, "--max-connections", fmt.Sprint(crowd+100))
	c.quick(t)
	before := c.footprint(t)
	idle := c.connect(t, crowd, askForHealth, true)
	c.quick(t)
	during := c.footprint(t)
	// All of them are served; a few goroutines of other kinds may have ended since.
	require.Greater(t, during.goroutines-before.goroutines, float64(crowd-50))
	each := (during.resident - before.resident) / crowd
	t.Logf("before %v; with %d idle connections %v: %.1f KiB each", before, crowd, during, each/1024)
	require.Less(t, each, heavier*64.0*1024)
	require.Zero(t, closed(t, idle))
	for _, conn := range idle {
		require.NoError(t, conn.Close())
	}
	servertest.Until(t, "they are gone", func() bool { return c.metric(t, "go_goroutines") < before.goroutines+20 })
	after := c.footprint(t)
	require.Less(t, after.heap, before.heap+heavier*(4<<20), "%v, then %v", before, after)
	c.term(t)
}

// BenchmarkServeFootprint measures what a connection that is idle and a lease
// that is held take in the daemon.
func BenchmarkServeFootprint(b *testing.B) {
	openFiles(b, crowd+200)
	const leases, batch = 200_000, 1000
	config := filepath.Join(b.TempDir(), "config.yaml")
	require.NoError(b, os.WriteFile(config, []byte("deployments:\n- {id: a, group: gpt-4o}\n"), 0o600))
	body := `{"requests":[` + strings.TrimSuffix(strings.Repeat(`{"group":"gpt-4o","input_tokens":900},`, batch), ",") + `]}`
	for b.Loop() {
		c := serveChild(b, "--config", config, "--max-connections", fmt.Sprint(crowd+100))
		c.quick(b)
		before := c.footprint(b)
		idle := c.connect(b, crowd, askForHealth, true)
		during := c.footprint(b)
		b.ReportMetric((during.resident-before.resident)/crowd, "B-resident/connection")
		b.ReportMetric((during.heap+during.stacks-before.heap-before.stacks)/crowd, "B-live/connection")
		for _, conn := range idle {
			require.NoError(b, conn.Close())
		}
		servertest.Until(b, "they are gone", func() bool { return c.metric(b, "go_goroutines") < before.goroutines+20 })
		before = c.footprint(b)
		for range leases / batch {
			resp, err := http.Post(c.url+"/v1/acquire/batch", "application/json", strings.NewReader(body))
			require.NoError(b, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(b, err)
			require.NoError(b, resp.Body.Close())
			require.Equal(b, batch, strings.Count(string(text), `"status":200`))
		}
		b.ReportMetric((c.footprint(b).heap-before.heap)/leases, "B-live/lease")
		c.term(b)
	}
}

// More connections than may be open push out the longest idle ones, and memory
// stays within what those that may be open take.
func TestServeCrowdIsBounded(t *testing.T) {
	openFiles(t, crowd+200)
	const most = 1000
	c := serveChild(t, "--max-connections", fmt.Sprint(most))
	idle := c.connect(t, crowd, askForHealth, true)
	c.quick(t)
	c.quick(t)
	gone := closed(t, idle)
	require.GreaterOrEqual(t, gone, crowd-most)
	require.Less(t, gone, crowd-most+10)
	require.Equal(t, crowd-most, closed(t, idle[:crowd-most]), "the longest idle ones")
	require.LessOrEqual(t, c.metric(t, "process_open_fds"), float64(most+50))
	c.term(t)
}

// A thousand clients that send a byte of a header now and then, or a body that
// never ends, hinder no decision, and are sent away in time.
func TestServeSlowClients(t *testing.T) {
	t.Parallel() // it waits most of the time
	openFiles(t, 2000)
	c := serveChild(t)
	slow := c.connect(t, 500, "POST /v1/acquire HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", false)
	silent := c.connect(t, 500, "", false)
	bodies := c.connect(t, 500, "POST /v1/acquire HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", false)
	begin, tick := time.Now(), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	var headers, quiet int
	for headers < len(slow) || quiet < len(silent) {
		require.Less(t, time.Since(begin), 12*time.Second, "a header has 5 s")
		for _, conn := range slow {
			_, _ = io.WriteString(conn, "x") // it may be closed
		}
		c.quick(t)
		<-tick.C
		headers, quiet = closed(t, slow), closed(t, silent)
	}
	require.Less(t, closed(t, bodies), len(bodies), "a body has 15 s")
	for closed(t, bodies) < len(bodies) {
		require.Less(t, time.Since(begin), 25*time.Second)
		c.quick(t)
		<-tick.C
	}
	servertest.Until(t, "nothing is left of them", func() bool { return c.metric(t, "go_goroutines") < 60 })
	c.term(t)
}

// What no client should send is answered in the same terms over a real
// connection, and the daemon goes on.
func TestServeNonsense(t *testing.T) {
	c := serveChild(t)
	const head = "POST /v1/acquire HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	body := func(s string) string { return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(s), s) }
	for _, tt := range []struct {
		name, send, want string
	}{
		{"body announced too large", head + "Content-Length: 99999999999\r\n\r\n", `"type":"body_too_large"`},
		{"body too large", head + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat(" ", 0x200000) + "\r\n0\r\n\r\n", `"type":"body_too_large"`},
		{"no JSON", body(`{"group":`), `the body is not JSON from byte 9 on`},
		{"unknown field", body(`{"group":"gpt-4o","tokens":1}`), `"field":"tokens"`},
		{"unknown group", body(`{"group":"gpt-5"}`), `"type":"unknown_group"`},
		{"unknown deployment", strings.Replace(body(`{"deployment":"none"}`), "acquire", "precheck", 1), `"type":"unknown_deployment"`},
		{"no method", "BREW /v1/acquire HTTP/1.1\r\nHost: localhost\r\n\r\n", `"type":"method_not_allowed"`},
		{"no host", "GET /v1/deployments HTTP/1.1\r\n\r\n", "400 Bad Request"},
		{"foreign host", "GET /v1/deployments HTTP/1.1\r\nHost: example.com\r\n\r\n", `"type":"foreign_host"`},
		{"large header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		{"many headers", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: x\r\n", 10_000) + "\r\n", "431 Request Header Fields Too Large"},
		{"not HTTP", "hello\r\n\r\n", "400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			go func() { _, _ = io.WriteString(conn, tt.send) }() // the daemon need not take all of it
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Contains(t, resp.Status+"\n"+string(text), tt.want)
			c.quick(t)
		})
	}
	c.term(t)
}
