package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// child is a plimsoll serve in a process of its own, with what operators look at
// apart.
type child struct {
	served
	admin *served
	cmd   *exec.Cmd
}

// serveChild runs plimsoll serve in a process of its own until the test ends.
func serveChild(tb testing.TB, args ...string) *child {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	c := &child{served: served{stdout: &screen{}, stderr: &screen{}}}
	c.cmd = exec.Command(self, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--lame-duck", "0s"}, args...)...)
	c.cmd.Env = append(os.Environ(), asProgram+"=1")
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	require.NoError(tb, c.cmd.Start())
	tb.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	servertest.Until(tb, "the daemon says where it listens", func() bool {
		if strings.Contains(c.stderr.String(), "plimsoll: ") {
			tb.Fatal(c.stderr.String())
		}
		return strings.Contains(c.stdout.String(), "metrics")
	})
	before, after, _ := strings.Cut(c.stdout.String(), "live page")
	c.url, c.admin = listening.FindString(before), &served{url: listening.FindString(after)}
	return c
}

// term ends the daemon as a service manager does, which must succeed.
func (c *child) term(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, c.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(tb, c.cmd.Wait(), c.stderr.String())
}

// look returns what operators find at a path.
func (c *child) look(tb testing.TB, path string) []byte {
	tb.Helper()
	resp, err := http.Get(c.admin.url + path)
	require.NoError(tb, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	require.Equal(tb, 200, resp.StatusCode, string(text))
	return text
}

// metric returns the sum of a metric's series.
func (c *child) metric(tb testing.TB, name string) float64 {
	tb.Helper()
	sum, found := 0.0, false
	for lines := bufio.NewScanner(bytes.NewReader(c.look(tb, "/metrics"))); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if series == name || strings.HasPrefix(series, name+"{") {
			n, err := strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
			require.NoError(tb, err, lines.Text())
			sum, found = sum+n, true
		}
	}
	require.True(tb, found, name)
	return sum
}

// footprint is what a process takes, after a garbage collection.
type footprint struct{ heap, stacks, resident, goroutines float64 }

func (c *child) footprint(tb testing.TB) footprint {
	tb.Helper()
	c.look(tb, "/debug/pprof/heap?gc=1") // twice: what pools hold goes with the second
	c.look(tb, "/debug/pprof/heap?gc=1")
	return footprint{
		c.metric(tb, "go_memstats_heap_alloc_bytes"), c.metric(tb, "go_memstats_stack_inuse_bytes"),
		c.metric(tb, "process_resident_memory_bytes"), c.metric(tb, "go_goroutines"),
	}
}

func (f footprint) String() string {
	return fmt.Sprintf("heap %.1f MiB, stacks %.1f MiB, resident %.1f MiB, %.0f goroutines", f.heap/(1<<20), f.stacks/(1<<20), f.resident/(1<<20), f.goroutines)
}

// quick makes a decision, which must not take long.
func (c *child) quick(tb testing.TB) {
	tb.Helper()
	begin := time.Now()
	resp, err := http.Post(c.url+"/v1/pick", "application/json", strings.NewReader(`{"group":"gpt-4o"}`))
	require.NoError(tb, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(tb, err)
	require.NoError(tb, resp.Body.Close())
	require.Equal(tb, 200, resp.StatusCode)
	require.Less(tb, time.Since(begin), 2*time.Second)
}
