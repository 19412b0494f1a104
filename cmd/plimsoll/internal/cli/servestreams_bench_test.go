package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// A stream of the provider has streamedEvents events, one each streamedEach, with the
// time at which each was sent.
const (
	streamedEvents = 20
	streamedEach   = 200 * time.Millisecond
	streamsAtOnce  = 1000
)

func streamEvents(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for range streamedEvents {
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word at=%d \"}}]}\n\n", time.Now().UnixNano())
		_ = control.Flush()
		time.Sleep(streamedEach)
	}
	_, _ = io.WriteString(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n")
}

// lags has streams at once, and returns how much later than it was sent each event came,
// and how many streams were cut short, as a few are by httputil.ReverseProxy.
func (s *measuredServer) lags(b *testing.B, path string) (lags []time.Duration, cut int) {
	b.Helper()
	before := s.spent(b)
	var all sync.WaitGroup
	var mu sync.Mutex
	const body = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello."}]}`
	for i := range streamsAtOnce {
		all.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			c, err := net.Dial(s.network, s.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Errorf("%v, %v", resp, err)
				return
			}
			own := make([]time.Duration, 0, streamedEvents)
			lines := bufio.NewScanner(resp.Body)
			for lines.Scan() {
				_, rest, ok := strings.Cut(lines.Text(), "at=")
				if sent, err := strconv.ParseInt(strings.SplitN(rest, " ", 2)[0], 10, 64); ok && err == nil {
					own = append(own, time.Duration(time.Now().UnixNano()-sent))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(own) != streamedEvents {
				cut++
			}
			lags = append(lags, own...)
		})
	}
	all.Wait()
	s.cpu += s.spent(b) - before
	slices.Sort(lags)
	return lags, cut
}

// BenchmarkStreams measures a thousand streams at once through the daemon and through a
// plain reverse proxy, in turns: by how much the slowest hundredth of events is late, the
// best of all iterations for each.
func BenchmarkStreams(b *testing.B) {
	openFiles(b, 4*streamsAtOnce)
	config := filepath.Join(b.TempDir(), "config.yaml")
	address := func() string { return fmt.Sprintf("127.0.0.1:%d", servertest.FreePort(b)) }
	at := address()
	startMeasured(b, "tcp", at, []string{asProvider + "=" + at})
	require.NoError(b, os.WriteFile(config, []byte(fmt.Sprintf(
		"deployments:\n- {id: a, group: gpt-4o, model: openai/m, rpm: 1000000000, tpm: 1000000000000, endpoint: {url: \"http://%s/v1\", key: k}}\n", at)), 0o600))
	plainAt, daemonAt := address(), address()
	plain := startMeasured(b, "tcp", plainAt, []string{asReverse + "=" + plainAt + " http://" + at})
	daemon := startMeasured(b, "tcp", daemonAt, []string{asProgram + "=1"}, "serve", "--config", config, "--listen", daemonAt)
	worst := map[*measuredServer]float64{plain: math.Inf(1), daemon: math.Inf(1)}
	for b.Loop() {
		for s, path := range map[*measuredServer]string{plain: "/v1/chat/completions", daemon: "/openai/v1/chat/completions"} {
			list, cut := s.lags(b, path)
			require.True(b, s == plain || cut == 0, "%d streams were cut", cut)
			worst[s] = min(worst[s], list[len(list)*99/100].Seconds()*1e3)
		}
	}
	b.ReportMetric(worst[plain], "plain-p99-ms")
	b.ReportMetric(worst[daemon], "proxy-p99-ms")
	b.ReportMetric(worst[daemon]/worst[plain], "p99-proxy/plain")
	b.ReportMetric(daemon.cpu.Seconds()/plain.cpu.Seconds(), "cpu-proxy/plain")
}
