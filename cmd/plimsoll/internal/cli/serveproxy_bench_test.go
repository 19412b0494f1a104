package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// asProvider and asReverse make the test binary a provider of chats on the address
// that it is given, and a plain reverse proxy: "address target".
const (
	asProvider = "PLIMSOLL_TEST_AS_PROVIDER"
	asReverse  = "PLIMSOLL_TEST_AS_REVERSE"
)

func serveProvider(address string) {
	answer := []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-2024-11-20","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("The crate waits for the next ship. ", 25) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":250,"completion_tokens":200,"total_tokens":450}}`)
	header := map[string]string{
		"Content-Type": "application/json", "Content-Length": strconv.Itoa(len(answer)), "Openai-Processing-Ms": "812", "Openai-Version": "2020-10-01", "X-Request-Id": "req_1",
		"X-Ratelimit-Limit-Requests": "1000000000", "X-Ratelimit-Remaining-Requests": "999999999", "X-Ratelimit-Reset-Requests": "66ms",
		"X-Ratelimit-Limit-Tokens": "1000000000000", "X-Ratelimit-Remaining-Tokens": "999999999500", "X-Ratelimit-Reset-Tokens": "200ms",
	}
	panic(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); bytes.Contains(body, []byte(`"stream":true`)) {
			streamEvents(w)
			return
		}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		_, _ = w.Write(answer)
	})))
}

func serveReverse(arguments string) {
	address, target, _ := strings.Cut(arguments, " ")
	to, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	panic(http.ListenAndServe(address, &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}))
}

// calls has eight connections make requests.
func (s *measuredServer) calls(b *testing.B, path, body string, n int) {
	b.Helper()
	before := s.spent(b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, err := net.Dial(s.network, s.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			in := bufio.NewReader(c)
			text := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer k\r\nUser-Agent: OpenAI/Go 3.9\r\nAccept: application/json\r\nX-Stainless-Lang: go\r\nX-Stainless-Os: Linux\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
			for range n / 8 {
				if _, err = io.WriteString(c, text); err != nil {
					break
				}
				resp, e := http.ReadResponse(in, nil)
				if err = e; err != nil {
					break
				}
				answer, e := io.ReadAll(resp.Body)
				if err = e; err == nil && resp.StatusCode != http.StatusOK {
					err = fmt.Errorf("%d: %s", resp.StatusCode, answer)
				}
				if err != nil {
					break
				}
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	s.cpu += s.spent(b) - before
}

// BenchmarkProxy measures the proxy beside a plain reverse proxy before the same
// provider, in turns: CPU time of the process per request, by the size of the
// prompt, the best of all iterations for each. An iteration is 4000 requests of each.
// Beside them is what the estimate of the prompt alone takes.
func BenchmarkProxy(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 128 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			config := filepath.Join(b.TempDir(), "config.yaml")
			address := func() string { return fmt.Sprintf("127.0.0.1:%d", servertest.FreePort(b)) }
			at := address()
			startMeasured(b, "tcp", at, []string{asProvider + "=" + at})
			text := "deployments:\n"
			for i := range 8 {
				text += fmt.Sprintf("- {id: dep-%d, group: gpt-4o, model: openai/gpt-4o-2024-11-20, rpm: 1000000000, tpm: 1000000000000, endpoint: {url: \"http://%s/v1\", key: k}}\n", i, at)
			}
			require.NoError(b, os.WriteFile(config, []byte(text), 0o600))
			plainAt, daemonAt := address(), address()
			plain := startMeasured(b, "tcp", plainAt, []string{asReverse + "=" + plainAt + " http://" + at})
			daemon := startMeasured(b, "tcp", daemonAt, []string{asProgram + "=1"}, "serve", "--config", config, "--listen", daemonAt)
			prompt := strings.Repeat("Some of the crates wait for the next ship, others (about 40 %) are moved inland; who decides that? ", size/90+1)[:size]
			body := `{"model":"gpt-4o","messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"` + prompt + `"}],"temperature":0.2,"max_tokens":400}`
			round := func(n int) {
				plain.calls(b, "/v1/chat/completions", body, n)
				daemon.calls(b, "/openai/v1/chat/completions", body, n)
			}
			round(2000)
			const n = 4000
			bestPlain, bestDaemon := math.Inf(1), math.Inf(1)
			for b.Loop() {
				plain.cpu, daemon.cpu = 0, 0
				round(n)
				bestPlain = min(bestPlain, plain.cpu.Seconds()*1e6/n)
				bestDaemon = min(bestDaemon, daemon.cpu.Seconds()*1e6/n)
			}
			begin := time.Now()
			for range n {
				_, _ = estimate.EncodingFor("gpt-4o").Text(prompt)
			}
			b.ReportMetric(float64(time.Since(begin).Microseconds())/n, "estimate-µs/req")
			b.ReportMetric(bestPlain, "plain-cpu-µs/req")
			b.ReportMetric(bestDaemon, "proxy-cpu-µs/req")
			b.ReportMetric(bestDaemon/bestPlain, "proxy/plain")
		})
	}
}
