package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
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

// asPlain makes the test binary a plain handler that takes in and gives out the
// JSON of acquire and settle, on the address it is given.
const asPlain = "PLIMSOLL_TEST_AS_PLAIN"

type plainAcquire struct {
	Group           string `json:"group"`
	InputTokens     int64  `json:"input_tokens"`
	MaxOutputTokens int64  `json:"max_output_tokens"`
}

type plainLease struct {
	Lease          string    `json:"lease"`
	Deployment     string    `json:"deployment"`
	Group          string    `json:"group"`
	Model          string    `json:"model"`
	ReservedTokens int64     `json:"reserved_tokens"`
	ExpiresAt      time.Time `json:"expires_at"`
}

type plainSettle struct {
	Lease string `json:"lease"`
	Usage struct {
		InputTokens  int64 `json:"input_tokens"`
		OutputTokens int64 `json:"output_tokens"`
	} `json:"usage"`
}

type plainEnded struct {
	Lease      string `json:"lease"`
	Deployment string `json:"deployment"`
}

func servePlain(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("POST /v1/acquire", func(w http.ResponseWriter, r *http.Request) {
		var in plainAcquire
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(plainLease{"l-0123456789abcdef", "azure-eastus", in.Group, "azure/gpt-4o", in.InputTokens, time.Now().UTC().Truncate(time.Millisecond)})
	})
	mux.HandleFunc("POST /v1/settle", func(w http.ResponseWriter, r *http.Request) {
		var in plainSettle
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(plainEnded{in.Lease, "azure-eastus"})
	})
	panic(http.ListenAndServe(address, mux))
}

// measuredServer is a server in a process of its own.
type measuredServer struct {
	network, address string
	pid              int
	cpu              time.Duration // spent so far, by this benchmark's requests
	answers          []time.Duration
}

func startMeasured(b testing.TB, network, address string, env []string, args ...string) *measuredServer {
	b.Helper()
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), env...)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	servertest.Until(b, "the server listens", func() bool {
		c, err := net.Dial(network, address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return &measuredServer{network: network, address: address, pid: cmd.Process.Pid}
}

// spent returns the process's CPU time, in steps of 10 ms.
func (s *measuredServer) spent(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
	if err != nil {
		b.Skip("CPU time by process is known on Linux alone")
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	sum := time.Duration(0)
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		require.NoError(b, err)
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}

// load has connections make pairs of acquire and settle.
func (s *measuredServer) load(b *testing.B, connections, pairs int) {
	b.Helper()
	before := s.spent(b)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range connections {
		wg.Go(func() {
			c, err := net.Dial(s.network, s.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			in := bufio.NewReader(c)
			ask := func(path, body string) ([]byte, error) {
				if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body); err != nil {
					return nil, err
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					return nil, err
				}
				text, err := io.ReadAll(resp.Body)
				if err == nil && resp.StatusCode != http.StatusOK {
					err = fmt.Errorf("%d: %s", resp.StatusCode, text)
				}
				return text, err
			}
			took := make([]time.Duration, 0, 2*pairs/connections)
			for range pairs / connections {
				begin := time.Now()
				text, err := ask("/v1/acquire", `{"group":"gpt-4o","input_tokens":900,"max_output_tokens":400}`)
				took = append(took, time.Since(begin))
				if err == nil {
					begin = time.Now()
					_, err = ask("/v1/settle", `{"lease":"`+string(text[len(`{"lease":"`):len(`{"lease":"`)+18])+`","usage":{"input_tokens":900,"output_tokens":120}}`)
					took = append(took, time.Since(begin))
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
			mu.Lock()
			s.answers = append(s.answers, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	s.cpu += s.spent(b) - before
}

func (s *measuredServer) p99() time.Duration {
	slices.Sort(s.answers)
	return s.answers[len(s.answers)*99/100]
}

// BenchmarkServe measures the daemon beside a plain handler of the same JSON, in
// turns: CPU time of the server's process per request, and the time that the
// slowest hundredth of acquires and settles takes, the best of all iterations for each. An
// iteration is 8000 requests a server.
func BenchmarkServe(b *testing.B) {
	for _, connections := range []int{8, 64} {
		b.Run(fmt.Sprintf("%d connections", connections), func(b *testing.B) { benchmarkServe(b, connections) })
	}
}

func benchmarkServe(b *testing.B, connections int) {
	b.Helper()
	dir := b.TempDir()
	config := filepath.Join(dir, "config.yaml")
	text := "deployments:\n"
	for i := range 8 {
		text += fmt.Sprintf("- {id: dep-%d, group: gpt-4o, model: azure/gpt-4o, rpm: 1000000000, tpm: 1000000000000}\n", i)
	}
	require.NoError(b, os.WriteFile(config, []byte(text), 0o600))
	address := func() string { return fmt.Sprintf("127.0.0.1:%d", servertest.FreePort(b)) }
	at, socket := address(), filepath.Join(dir, "s")
	plain := startMeasured(b, "tcp", at, []string{asPlain + "=" + at})
	at = address()
	daemon := startMeasured(b, "tcp", at, []string{asProgram + "=1"}, "serve", "--config", config, "--listen", at)
	local := startMeasured(b, "unix", socket, []string{asProgram + "=1"}, "serve", "--config", config, "--listen", "unix:"+socket)
	const pairs = 4000
	type best struct{ cpu, p99 float64 }
	servers := map[*measuredServer]*best{}
	for _, s := range []*measuredServer{plain, daemon, local} {
		servers[s] = &best{math.Inf(1), math.Inf(1)}
		s.load(b, connections, pairs)
	}
	for b.Loop() {
		for s, m := range servers {
			s.cpu, s.answers = 0, nil
			s.load(b, connections, pairs)
			m.cpu = min(m.cpu, s.cpu.Seconds()*1e6/(2*pairs))
			m.p99 = min(m.p99, s.p99().Seconds()*1e3)
		}
	}
	b.ReportMetric(servers[plain].cpu, "plain-cpu-µs/req")
	b.ReportMetric(servers[daemon].cpu/servers[plain].cpu, "tcp/plain")
	b.ReportMetric(servers[local].cpu/servers[plain].cpu, "unix/plain")
	b.ReportMetric(servers[plain].p99, "plain-p99-ms")
	b.ReportMetric(servers[daemon].p99/servers[plain].p99, "p99-tcp/plain")
}
