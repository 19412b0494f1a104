package tracing_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/tracing"
)

// collector takes what is posted.
type collector struct {
	mu       sync.Mutex
	spans    []*otlp.Span
	resource map[string]string
	headers  http.Header
	status   int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	if c.status != 0 {
		w.WriteHeader(c.status)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, err := io.ReadAll(body)
	var m collect.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(text, &m) != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	for _, rs := range m.GetResourceSpans() {
		c.resource = texts(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			c.spans = append(c.spans, ss.GetSpans()...)
		}
	}
}

func texts(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		out[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return out
}

// served is a handler with an annotation, wrapped, behind a mux.
func served(t *tracing.Tracer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/pick", func(w http.ResponseWriter, r *http.Request) {
		tracing.Annotate(r.Context(), "plimsoll.deployment", r.Header.Get("Deployment"))
		switch r.Header.Get("Fail") {
		case "":
		case "broken":
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /v1/deployments", func(http.ResponseWriter, *http.Request) {})
	return t.Wrap(mux)
}

func ask(h http.Handler, method, path string, headers ...string) {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r = r.WithContext(server.WithCaller(r.Context(), &server.Token{Name: "gw-1"}))
	defer func() { _ = recover() }()
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func start(t *testing.T, cfg tracing.Config) *tracing.Tracer {
	t.Helper()
	cfg.Getenv = os.Getenv
	tr, err := tracing.New(t.Context(), cfg)
	require.NoError(t, err)
	require.NotNil(t, tr)
	return tr
}

// end ends a tracer, which sends what is left.
func end(tr *tracing.Tracer) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tr.Run(ctx)
}

func TestSpans(t *testing.T) {
	c := &collector{}
	s := httptest.NewServer(c)
	defer s.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=y")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod")
	tr := start(t, tracing.Config{Endpoint: s.URL + "/"})
	h := served(tr)
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	before := uint64(time.Now().UnixNano())
	ask(h, "POST", "/v1/pick", "Deployment", "east", "Traceparent", "00-"+trace+"-"+parent+"-01")
	ask(h, "POST", "/v1/pick", "Fail", "1")
	ask(h, "POST", "/v1/pick", "Traceparent", "00-"+trace+"-"+parent+"-00") // not sampled
	ask(h, "POST", "/v1/pick", "Fail", "broken", "Traceparent", "00-"+strings.Repeat("0", 32)+"-"+parent+"-01")
	ask(h, "GET", "/v1/deployments")
	ask(h, "POST", "/nowhere")
	end(tr)
	require.Len(t, c.spans, 3)
	one := c.spans[0]
	require.Equal(t, []string{trace, parent, "POST /v1/pick"}, []string{hex.EncodeToString(one.GetTraceId()), hex.EncodeToString(one.GetParentSpanId()), one.GetName()})
	require.Equal(t, otlp.Span_SPAN_KIND_SERVER, one.GetKind())
	require.Equal(t, map[string]string{
		"plimsoll.deployment": "east", "plimsoll.token": "gw-1", "http.request.method": "POST", "http.route": "/v1/pick", "http.response.status_code": "",
	}, texts(one.GetAttributes()))
	require.GreaterOrEqual(t, one.GetStartTimeUnixNano(), before)
	require.LessOrEqual(t, one.GetStartTimeUnixNano(), one.GetEndTimeUnixNano())
	require.Equal(t, otlp.Status_STATUS_CODE_UNSET, one.GetStatus().GetCode())
	two := c.spans[1]
	require.Empty(t, two.GetParentSpanId())
	require.NotEqual(t, trace, hex.EncodeToString(two.GetTraceId()))
	require.Equal(t, otlp.Status_STATUS_CODE_ERROR, two.GetStatus().GetCode())
	three := c.spans[2]
	require.NotEqual(t, strings.Repeat("0", 32), hex.EncodeToString(three.GetTraceId()), "an invalid parent is none")
	require.Equal(t, "broken off", three.GetStatus().GetMessage())
	require.Equal(t, []string{"a b", "y"}, []string{c.headers.Get("Api-Key"), c.headers.Get("X")})
	require.Equal(t, "mine", c.resource["service.name"])
	require.Equal(t, "prod", c.resource["deployment.environment.name"])
	sent, rest := tr.Stats()
	require.Equal(t, []int64{3, 0}, []int64{sent, rest})
}

// The usual variables decide which requests are sampled.
func TestSampling(t *testing.T) {
	for sampler, want := range map[string]int{"always_off": 0, "parentbased_always_on": 20, "parentbased_traceidratio": 0} {
		t.Run(sampler, func(t *testing.T) {
			c := &collector{}
			s := httptest.NewServer(c)
			defer s.Close()
			t.Setenv("OTEL_TRACES_SAMPLER", sampler)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
			tr := start(t, tracing.Config{})
			for range 20 {
				ask(served(tr), "POST", "/v1/pick")
			}
			end(tr)
			require.Len(t, c.spans, want)
		})
	}
}

// A collector that hangs holds up no request; what does not fit into the queue is
// dropped, and counted.
func TestHangingCollector(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer s.Close()
	defer close(hang)
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
	var log bytes.Buffer
	tr := start(t, tracing.Config{Endpoint: s.URL, Last: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	h := served(tr)
	begin := time.Now()
	for range 10_000 {
		ask(h, "POST", "/v1/pick")
	}
	require.Less(t, time.Since(begin), 10*time.Second)
	end(tr)
	sent, rest := tr.Stats()
	require.Equal(t, []int64{0, 10_000}, []int64{sent, rest}, "each is accounted")
	require.Contains(t, log.String(), "spans were dropped")
}

// What a collector does not take is logged once, without its address and headers.
func TestRefusingCollector(t *testing.T) {
	s := httptest.NewServer(&collector{status: http.StatusForbidden})
	defer s.Close()
	var log bytes.Buffer
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter3")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	tr := start(t, tracing.Config{Endpoint: s.URL + "/hunter2", Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		ask(served(tr), "POST", "/v1/pick")
	}
	end(tr)
	require.Equal(t, 1, strings.Count(log.String(), "the collector does not take them"))
	require.Contains(t, log.String(), "403")
	require.NotContains(t, log.String(), "hunter")
}

func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		name, flag string
		env        map[string]string
		on         bool
		err        string
	}{
		{"off", "", nil, false, ""},
		{"flag", "http://c:4318", nil, true, ""},
		{"base", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/x/"}, true, ""},
		{"traces", "", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/t"}, true, ""},
		{"disabled", "http://f", map[string]string{"OTEL_SDK_DISABLED": "true"}, false, ""},
		{"no exporter", "http://f", map[string]string{"OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{"no address", "hunter2", nil, false, "--otlp: want the address"},
		{"no scheme", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "hunter2:4317"}, false, "OTEL_EXPORTER_OTLP_ENDPOINT: want the address"},
		{"password", "http://u:hunter2@c", nil, false, "--otlp: has a user or password"},
		{"headers", "http://f", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, false, "OTEL_EXPORTER_OTLP_HEADERS: want name=value"},
		{"grpc", "http://f", map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := tracing.New(t.Context(), tracing.Config{Endpoint: tt.flag, Getenv: func(name string) string { return tt.env[name] }})
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.on, tr != nil)
		})
	}
}
