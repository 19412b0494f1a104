package tracing

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// Wrap makes spans of the POST requests that a handler serves, which a mux has found a
// route for. A traceparent header names the span that they belong to, and whether it is
// sampled. A nil tracer leaves the handler as it is.
func (t *Tracer) Wrap(h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			h.ServeHTTP(w, r)
			return
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		if !span.IsRecording() {
			h.ServeHTTP(w, r)
			return
		}
		s := &statusWriter{w, http.StatusOK}
		r = r.WithContext(ctx)
		whole := false
		defer func() { t.end(span, r, s.status, whole) }() // a call that breaks off leaves by a panic
		h.ServeHTTP(s, r)
		whole = true
	})
}

// end ends the span of a request. One without a route is dropped: it has no name.
func (t *Tracer) end(span trace.Span, r *http.Request, status int, whole bool) {
	if r.Pattern == "" || r.Pattern == "/" {
		return
	}
	route := strings.TrimPrefix(r.Pattern, r.Method+" ")
	span.SetName(r.Pattern)
	span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	if token := server.CallerOf(r.Context()); token != nil {
		span.SetAttributes(attribute.String("plimsoll.token", token.Name))
	}
	switch {
	case !whole:
		span.SetStatus(codes.Error, "broken off")
	case status >= http.StatusInternalServerError: // a refusal is a decision, not an error
		span.SetStatus(codes.Error, "")
	}
	t.ended.Add(1)
	span.End()
}

// Annotate adds an attribute to the span of a request, if it has one.
func Annotate(ctx context.Context, key, value string) {
	if value != "" {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String(key, value))
	}
}

// statusWriter remembers an answer's status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
