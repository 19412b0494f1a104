package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// generatedLength is how long the generated traffic is, before it is warped.
const generatedLength = time.Hour

// runReplay is plimsoll replay.
func runReplay(ctx context.Context, args []string, env environment) error {
	f, err := parseReplayFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(env.stdout, replayHelp)
		return err
	}
	if err != nil {
		return err
	}
	traffic, err := f.traffic(ctx)
	if err != nil {
		return err
	}
	pool, err := provider.Pool(f.pool)
	if err != nil {
		return err
	}
	if err := replay.FitLoad(traffic, pool, f.load); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	bar := newProgress(env, len(traffic))
	report, err := replay.Run(ctx, replay.Options{
		Trace:    traffic,
		Pool:     pool,
		Policy:   replay.Engine(f.strategy),
		Seed:     f.seed,
		Progress: bar.show,
	})
	bar.clear()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if f.json {
		return json.NewEncoder(env.stdout).Encode(report)
	}
	if _, err := fmt.Fprintf(env.stdout, "%s, load %v, pool %s, strategy %v, seed %d\n\n",
		f.source(), f.load, f.pool, f.strategy, f.seed); err != nil {
		return err
	}
	return report.WriteTable(env.stdout)
}

// traffic returns the trace that the flags ask for, in its own time.
func (f replayFlags) traffic(ctx context.Context) (trace.Trace, error) {
	var t trace.Trace
	if f.trace == "" {
		t = trace.Generate(f.seed, generatedLength, trace.Chat(), trace.Code())
	} else {
		var err error
		if t, err = trace.ReadFile(ctx, f.trace); err != nil {
			return nil, err
		}
	}
	t.NameMaxOutput(f.seed)
	return t, nil
}

// source names where the traffic comes from.
func (f replayFlags) source() string {
	if f.trace == "" {
		return "Generated chat and code traffic"
	}
	return "Trace " + f.trace
}
