package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// screen is output that may be read while it is written.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// served is a plimsoll serve that runs.
type served struct {
	url            string // of the first TCP listener, "" if there is none
	stdout, stderr *screen
	stop           func() int // ends it, as SIGTERM does, and returns its exit code
}

var listening = regexp.MustCompile(`https?://[0-9.:\[\]]+`)

// serve runs plimsoll serve on a free port of the loopback, or where the
// arguments say, until the test ends.
func serve(t *testing.T, args ...string) *served {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "--listen") {
		args = append([]string{"--listen", "127.0.0.1:0"}, args...)
	}
	if !strings.Contains(strings.Join(args, " "), "--lame-duck") {
		args = append(args, "--lame-duck", "0s")
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{stdout: &screen{}, stderr: &screen{}}
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, append([]string{"serve"}, args...), func(string) string { return "" }, s.stdout, s.stderr)
	}()
	s.stop = sync.OnceValue(func() int { cancel(); return <-done })
	t.Cleanup(func() { s.stop() })
	servertest.Until(t, "the daemon says where it listens", func() bool {
		return strings.Contains(s.stdout.String(), "decisions") || strings.Contains(s.stderr.String(), "plimsoll: ")
	})
	require.NotContains(t, s.stderr.String(), "plimsoll: ")
	s.url = listening.FindString(s.stdout.String())
	return s
}

// ask makes a request, with a body if it is not empty, and returns the status and
// the answer.
func (s *served) ask(t *testing.T, path, body string, headers ...string) (int, map[string]any) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var out map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		require.NoError(t, json.Unmarshal(text, &out), string(text))
	}
	return resp.StatusCode, out
}

func TestServeExample(t *testing.T) {
	s := serve(t)
	require.Contains(t, s.stdout.String(), "plimsoll serves 7 deployments of 2 groups by the built-in example.\n")
	status, got := s.ask(t, "/v1/acquire", `{"group":"gpt-4","input_tokens":900}`)
	require.Equal(t, 200, status)
	require.Equal(t, "gpt-4o", got["group"])
	status, got = s.ask(t, "/readyz", "")
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"state": "none"}, got["store"])
	require.Equal(t, cli.ExitOK, s.stop())
	require.Contains(t, s.stderr.String(), "msg=stopped")
}

// --profiles, or its variable, holds for a file as it is, and for what the file
// becomes: Azure takes the maximum of output at admission, the plain rule what is
// expected.
func TestServeProfiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "litellm.yaml")
	file := "model_list:\n- {model_name: chat, litellm_params: {model: azure/gpt-4o, tpm: 10000}}\n"
	reserved := func(s *served, group string) any {
		_, got := s.ask(t, "/v1/acquire", `{"group":"`+group+`","input_tokens":100,"output_tokens":10,"max_output_tokens":700}`)
		return got["reserved_tokens"]
	}
	for want, args := range map[float64][]string{110: {}, 800: {"--profiles", "auto"}} {
		write(t, path, file)
		s := serve(t, append(args, "--config", path)...)
		require.EqualValues(t, want, reserved(s, "chat"))
		write(t, path, file+"- {model_name: other, litellm_params: {model: azure/gpt-4o, tpm: 10000}}\n")
		servertest.Until(t, "the file is read again", func() bool { return reserved(s, "other") != nil })
		require.EqualValues(t, want, reserved(s, "other"))
		s.stop()
	}
}

func TestServeUsage(t *testing.T) {
	more := "Run 'plimsoll serve --help' for usage.\n"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"address", []string{"--listen", "4141"}, "plimsoll: serve: invalid value \"4141\" for flag --listen: want host:port such as 127.0.0.1:4141, or unix:/path\n" + more},
		{"port", []string{"--listen", "127.0.0.1:http"}, "plimsoll: serve: invalid value \"127.0.0.1:http\" for flag --listen: port \"http\" is not a number from 0 to 65535\n" + more},
		{"socket", []string{"--listen", "unix:"}, "plimsoll: serve: invalid value \"unix:\" for flag --listen: want a path after unix:, such as unix:/run/plimsoll.sock\n" + more},
		{"argument", []string{"file.yaml"}, "plimsoll: serve: unexpected argument \"file.yaml\"; a configuration is given by --config FILE\n" + more},
		{"store as an argument", []string{"valkey://:hunter2@h"}, "plimsoll: serve: unexpected argument; a store is given by --sync URL\n" + more},
		{"store", []string{"--sync", "hunter2"}, "plimsoll: serve: --sync names no server; give an address such as valkey://127.0.0.1:6379\n" + more},
		{"half of TLS", []string{"--tls-cert", "c.pem"}, "plimsoll: serve: --tls-cert and --tls-key go together; give both or neither\n" + more},
		{"drain", []string{"--drain", "0"}, "plimsoll: serve: invalid value \"0\" for flag --drain: want a time from 1ms to 10m\n" + more},
		{"connections", []string{"--max-connections", "0"}, "plimsoll: serve: invalid value \"0\" for flag --max-connections: want a whole number from 1 to 1000000\n" + more},
		{"profiles", []string{"--profiles", "azure"}, "plimsoll: serve: invalid value \"azure\" for flag --profiles: want auto or plain\n" + more},
		{"log", []string{"--log", "loud"}, "plimsoll: serve: invalid value \"loud\" for flag --log: want debug, info, warn or error\n" + more},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plimsoll(t.Context(), append([]string{"serve"}, tt.args...)...)
			require.Equal(t, cli.ExitUsage, got.code)
			require.Equal(t, tt.want, got.stderr)
		})
	}
}

// A collector receives spans of decisions and calls, those that are refused too, with
// nothing secret.
func TestServeTraces(t *testing.T) {
	posts := make(chan *collect.ExportTraceServiceRequest, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var m collect.ExportTraceServiceRequest
		if proto.Unmarshal(text, &m) == nil {
			posts <- &m
		}
	}))
	defer collector.Close()
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "litellm.yaml"), filepath.Join(dir, "tokens")
	write(t, config, "model_list:\n- model_name: chat\n  litellm_params: {model: openai/gpt-4o, api_key: sk-hunter2hunter2, rpm: 1}\n  model_info: {id: mine-sk-hunter2hunter2}\n")
	made := plimsoll(t.Context(), "token", "make", "gateway-1", "--tokens", tokens, "--scopes", "decide,proxy")
	require.Equal(t, cli.ExitOK, made.code, made.stderr)
	auth := "Bearer " + regexp.MustCompile(`plm_\S+`).FindString(made.stdout+made.stderr)
	s := serve(t, "--config", config, "--otlp", collector.URL, "--tokens", tokens)
	for _, want := range []int{200, 429} {
		status, _ := s.ask(t, "/v1/acquire", `{"group":"chat"}`, "Authorization", auth, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		require.Equal(t, want, status)
	}
	status, _ := s.ask(t, "/v1/acquire", `{"group":"chat","wait_ms":5}`, "Authorization", auth)
	require.Equal(t, 429, status)
	status, _ = s.ask(t, "/openai/v1/chat/completions", `{"model":"chat","messages":[]}`, "Authorization", auth)
	require.Equal(t, 429, status)
	s.stop()
	close(posts)
	var all string
	for p := range posts {
		require.NotContains(t, p.String(), "hunter2")
		for _, span := range p.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans() {
			all += fmt.Sprintf("%x %s", span.GetTraceId(), span.GetName())
			for _, a := range span.GetAttributes() {
				all += " " + a.GetKey() + "=" + a.GetValue().GetStringValue()
			}
			all += "\n"
		}
	}
	require.Equal(t, 4, strings.Count(all, "\n"), all)
	require.Equal(t, 4, strings.Count(all, "plimsoll.token=gateway-1"), all)
	require.Equal(t, 2, strings.Count(all, "0af7651916cd43dd8448eb211c80319c POST /v1/acquire "), all)
	require.Equal(t, 3, strings.Count(all, "plimsoll.limit=rpm"), all)
	require.Contains(t, all, "POST /v1/acquire waiting ")
	require.Contains(t, all, "plimsoll.deployment=mine-(hidden)")
	require.Regexp(t, `POST /openai/v1/chat/completions .*plimsoll.group=chat`, all)
	got := plimsoll(t.Context(), "serve", "--otlp", "hunter2")
	require.Equal(t, cli.ExitFailure, got.code)
	require.Contains(t, got.stderr, "--otlp: want the address of a collector")
	require.NotContains(t, got.stderr, "hunter2")
}

func TestServeCannotStart(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("deployments:\n- id: a\n"), 0o600))
	taken := serve(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no file", []string{"--config", filepath.Join(dir, "none.yaml")}, "no such file"},
		{"broken file", []string{"--config", broken}, "broken.yaml:2: deployments[0].group: "},
		{"port taken", []string{"--listen", strings.TrimPrefix(taken.url, "http://")}, "address already in use; another process listens there, or the flags of this one name the address twice: end the other, or choose another address"},
		{"no tokens", []string{"--listen", "0.0.0.0:0"}, "can be reached from other machines, so --tokens FILE is required"},
		{"no token file", []string{"--tokens", filepath.Join(dir, "none")}, "no such file"},
		{"no certificate", []string{"--tls-cert", broken, "--tls-key", broken}, "--tls-cert, --tls-key: "},
		{"store", []string{"--sync", "http://:hunter2@h"}, "begin it with valkey://"},
		{"no socket", []string{"--listen", "unix:" + broken}, "it is no socket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plimsoll(t.Context(), append([]string{"serve"}, tt.args...)...)
			require.Equal(t, cli.ExitFailure, got.code)
			require.Contains(t, got.stderr, tt.want)
			require.NotContains(t, got.stderr, "hunter2")
		})
	}
}
