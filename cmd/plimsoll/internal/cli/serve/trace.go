package serve

import (
	"context"
	"log/slog"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/tracing"
)

// spans returns the tracer that exports spans to a collector; nil = no collector is given.
func (f *flags) spans(ctx context.Context, env cmdline.Environment, log *slog.Logger) (*tracing.Tracer, error) {
	return tracing.New(context.WithoutCancel(ctx), tracing.Config{Endpoint: f.otlp, Getenv: env.Getenv, Log: log})
}

// annotate returns the function that adds a decision to its span; nil = no collector.
func annotate(spans *tracing.Tracer) func(ctx context.Context, key, value string) {
	if spans == nil {
		return nil
	}
	return tracing.Annotate
}
