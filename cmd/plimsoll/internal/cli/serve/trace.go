package serve

import (
	"context"
	"log/slog"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/otlp"
)

// spans returns what tells a collector of requests; nil: none is named.
func (f *flags) spans(env cmdline.Environment, log *slog.Logger) (*otlp.Exporter, error) {
	cfg, err := otlp.FromEnv(f.otlp, env.Getenv)
	if cfg == nil || err != nil {
		return nil, err
	}
	cfg.Log = log
	return otlp.New(*cfg), nil
}

// annotate is what the daemon says of a decision; nil: nobody hears it.
func annotate(spans *otlp.Exporter) func(ctx context.Context, key, value string) {
	if spans == nil {
		return nil
	}
	return otlp.Annotate
}
