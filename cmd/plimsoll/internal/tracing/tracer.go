package tracing

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const defaultLast = 5 * time.Second

// Tracer creates spans of requests. It is safe for concurrent use. A nil Tracer creates none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	out      *exporter
	last     time.Duration
	ended    atomic.Int64 // spans that were sampled
}

// New returns a tracer, which sends spans while Run runs; nil if no collector is configured.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	if on, err := cfg.wanted(); err != nil || !on {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		cfg.Log.Warn("OpenTelemetry", "error", anonymous(err))
	}))
	var options []otlptracehttp.Option
	if cfg.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(strings.TrimSuffix(cfg.Endpoint, "/")+tracesPath))
	}
	out, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "plimsoll"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	t := &Tracer{out: &exporter{SpanExporter: out, log: cfg.Log}, last: cmp.Or(cfg.Last, defaultLast)}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(t.out), sdk.WithResource(about))
	t.tracer = t.provider.Tracer("github.com/plimsoll-dev/plimsoll")
	return t, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// Run waits until ctx ends, and then sends the remaining spans within Config.Last.
func (t *Tracer) Run(ctx context.Context) {
	if t == nil {
		return
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.last)
	defer cancel()
	if err := t.provider.Shutdown(last); err != nil {
		t.out.log.Warn("the last traces were not sent", "error", anonymous(err))
	}
	if sent, lost := t.Stats(); lost > 0 {
		t.out.log.Warn("spans were dropped", "dropped", lost, "sent", sent)
	}
}

// Stats returns how many spans the collector took, and how many wait, were dropped
// because too many waited, or were not taken.
func (t *Tracer) Stats() (sent, rest int64) {
	sent = t.out.sent.Load()
	return sent, t.ended.Load() - sent
}

// exporter counts the spans that a collector accepts, and logs once when it stops doing so.
type exporter struct {
	sdk.SpanExporter
	log     *slog.Logger
	sent    atomic.Int64
	failing atomic.Bool
}

// ExportSpans implements [sdk.SpanExporter].
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		e.sent.Add(int64(len(spans)))
		e.failing.Store(false)
		return nil
	}
	if !e.failing.Swap(true) {
		e.log.Warn("traces are dropped: the collector does not take them", "error", anonymous(err))
	}
	return nil // it is logged
}

var addresses = regexp.MustCompile(`[a-z]+://[^\s"]*`)

// anonymous returns the text of an error without addresses.
func anonymous(err error) string { return addresses.ReplaceAllString(err.Error(), "(address)") }
