package otlp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/otlp"
)

// collector takes what is posted.
type collector struct {
	mu      sync.Mutex
	spans   []map[string]any
	headers http.Header
	service string
	status  int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []struct{ Value struct{ StringValue string } }
			}
			ScopeSpans []struct{ Spans []map[string]any }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	if c.status != 0 {
		w.WriteHeader(c.status)
		return
	}
	for _, rs := range m.ResourceSpans {
		c.service = rs.Resource.Attributes[0].Value.StringValue
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
	_, _ = io.WriteString(w, "{}")
}

// served is a handler with an annotation, wrapped, behind a mux.
func served(e *otlp.Exporter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/pick", func(w http.ResponseWriter, r *http.Request) {
		otlp.Annotate(r.Context(), "plimsoll.deployment", r.Header.Get("Deployment"))
		if r.Header.Get("Fail") != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /v1/deployments", func(http.ResponseWriter, *http.Request) {})
	return e.Wrap(mux)
}

func ask(h http.Handler, method, path string, headers ...string) {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
}

// run runs an exporter to a server, and returns what ends it.
func run(e *otlp.Exporter) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); e.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestSpans(t *testing.T) {
	c := &collector{}
	s := httptest.NewServer(c)
	defer s.Close()
	cfg, err := otlp.FromEnv(s.URL+"/", func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x=y", "OTEL_SERVICE_NAME": "mine"}[name]
	})
	require.NoError(t, err)
	e := otlp.New(*cfg)
	end := run(e)
	h := served(e)
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	before := time.Now()
	ask(h, "POST", "/v1/pick", "Deployment", "east", "Traceparent", "00-"+trace+"-"+parent+"-01")
	ask(h, "POST", "/v1/pick", "Fail", "1")
	ask(h, "POST", "/v1/pick", "Traceparent", "00-"+trace+"-"+parent+"-00") // not sampled
	ask(h, "POST", "/v1/pick", "Traceparent", "00-"+strings.Repeat("0", 32)+"-"+parent+"-01")
	ask(h, "GET", "/v1/deployments")
	ask(h, "POST", "/nowhere")
	end()
	require.Len(t, c.spans, 3)
	one := c.spans[0]
	require.Equal(t, []any{trace, parent, "POST /v1/pick", 2.0}, []any{one["traceId"], one["parentSpanId"], one["name"], one["kind"]})
	require.Equal(t, []any{
		map[string]any{"key": "http.response.status_code", "value": map[string]any{"intValue": "200"}},
		map[string]any{"key": "plimsoll.deployment", "value": map[string]any{"stringValue": "east"}},
	}, one["attributes"])
	require.Len(t, one["startTimeUnixNano"], len("1700000000000000000"))
	require.GreaterOrEqual(t, one["startTimeUnixNano"], strconv.FormatInt(before.UnixNano(), 10))
	require.LessOrEqual(t, one["startTimeUnixNano"], one["endTimeUnixNano"])
	require.Equal(t, map[string]any{}, one["status"])
	two := c.spans[1]
	require.Nil(t, two["parentSpanId"])
	require.NotEqual(t, trace, two["traceId"])
	require.Equal(t, map[string]any{"code": 2.0}, two["status"])
	require.NotEqual(t, strings.Repeat("0", 32), c.spans[2]["traceId"], "an invalid parent is none")
	require.Equal(t, []string{"a b", "y", "mine"}, []string{c.headers.Get("Api-Key"), c.headers.Get("X"), c.service})
	sent, dropped := e.Stats()
	require.Equal(t, []int64{3, 0}, []int64{sent, dropped})
}

// A collector that hangs holds up no request, and its spans are dropped beyond
// what the queue holds.
func TestHangingCollector(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer s.Close()
	defer close(hang)
	e := otlp.New(otlp.Config{URL: s.URL, Queue: 10, Every: time.Millisecond, Timeout: 200 * time.Millisecond})
	end := run(e)
	h := served(e)
	begin := time.Now()
	for range 10_000 {
		ask(h, "POST", "/v1/pick")
	}
	require.Less(t, time.Since(begin), 10*time.Second)
	_, dropped := e.Stats()
	require.Positive(t, dropped)
	end()
	sent, dropped := e.Stats()
	require.Equal(t, []int64{0, 10_000}, []int64{sent, dropped}, "each is accounted")
}

// What a collector does not take is told once, without its address and headers.
func TestRefusingCollector(t *testing.T) {
	c := &collector{status: 503}
	s := httptest.NewServer(c)
	var log bytes.Buffer
	address := strings.Replace(s.URL, "http://", "http://user:hunter2@", 1)
	e := otlp.New(otlp.Config{URL: address + "/v1/traces", Headers: http.Header{"Api-Key": {"hunter3"}}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	h := served(e)
	ask(h, "POST", "/v1/pick")
	run(e)()
	require.Contains(t, log.String(), "it answered 503")
	s.Close()
	e = otlp.New(otlp.Config{URL: address, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ask(served(e), "POST", "/v1/pick")
	run(e)()
	require.Contains(t, log.String(), "refused")
	require.NotContains(t, log.String(), "hunter")
}

func TestFromEnv(t *testing.T) {
	for _, tt := range []struct {
		name, flag string
		env        map[string]string
		url, err   string
	}{
		{"off", "", nil, "", ""},
		{"flag", "http://c:4318", nil, "http://c:4318/v1/traces", ""},
		{"base", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/x/"}, "https://c/x/v1/traces", ""},
		{"traces", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/t"}, "https://d/t", ""},
		{"flag wins", "http://f", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/t"}, "http://f/v1/traces", ""},
		{"disabled", "http://f", map[string]string{"OTEL_SDK_DISABLED": "true"}, "", ""},
		{"no address", "hunter2", nil, "", "--otlp: want the address"},
		{"no scheme", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "hunter2:4317"}, "", "OTEL_EXPORTER_OTLP_ENDPOINT: want the address"},
		{"headers", "http://f", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, "", "OTEL_EXPORTER_OTLP_HEADERS: want name=value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := otlp.FromEnv(tt.flag, func(name string) string { return tt.env[name] })
			switch {
			case tt.err != "":
				require.ErrorContains(t, err, tt.err)
				require.NotContains(t, err.Error(), "hunter2")
			case tt.url == "":
				require.NoError(t, err)
				require.Nil(t, cfg)
			default:
				require.NoError(t, err)
				require.Equal(t, tt.url, cfg.URL)
			}
		})
	}
}
