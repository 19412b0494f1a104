package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/drive"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
)

const (
	minSpeed = 0.01
	maxSpeed = 1000
)

// levelled is within how long generated traffic keeps its bursts when it is played against
// a daemon.
const levelled = 5 * time.Second

// ofTarget are the flags of a replay against a daemon.
var ofTarget = []string{"for", "group", "json", "load", "seed", "speed", "target", "trace", "traffic"}

func (f *flags) registerTarget(set *pflag.FlagSet) {
	cmdline.Func(set, "target", "URL", "play the traffic against a daemon: http://host:port, https://… or unix:/path; acquires, waits as long as the call would take, and settles. Load is of the daemon's token limits, in each minute of generated traffic, and on the mean of a trace. Goes with --speed, --for, --trace, --traffic, --group, --load, --seed and --json alone; PLIMSOLL_TOKEN is the token, if one is needed", func(s string) error {
		f.target = s // checked later: package pflag would repeat it, password and all
		return nil
	})
	cmdline.Func(set, "speed", "X", "with --target: how much faster than that, calls and gaps alike, 0.01 to 1000 (default 1)", func(s string) (err error) {
		f.speedGiven = true
		if f.speed, err = strconv.ParseFloat(s, 64); err != nil || !(f.speed >= minSpeed && f.speed <= maxSpeed) {
			return fmt.Errorf("want a number from %v to %v", minSpeed, maxSpeed)
		}
		return nil
	})
}

// completeTarget is complete for a replay against a daemon, which few flags are of.
func (f *flags) completeTarget(set *pflag.FlagSet, args []string) (err error) {
	set.Visit(func(fl *pflag.Flag) {
		if err == nil && !slices.Contains(ofTarget, fl.Name) {
			err = usagef("with --target: unknown flag --%s; use one of --%s", fl.Name, strings.Join(ofTarget, ", --"))
		}
	})
	if err == nil && len(args) > 0 {
		err = usagef("unexpected argument after --target and its flags")
	}
	f.length = cmp.Or(f.length, defaultFor)
	return err
}

// replayTarget is plimsoll replay --target.
func (f flags) replayTarget(ctx context.Context, env cmdline.Environment) error {
	client, err := drive.NewClient(f.target, env.Getenv("PLIMSOLL_TOKEN"))
	if err != nil {
		return usagef("--target: %w", err)
	}
	defer client.Close()
	states, err := client.States(ctx)
	if err != nil {
		return fmt.Errorf("replay: --target: %w", err)
	}
	states, err = f.chosen(states)
	if err != nil {
		return usagef("%w", err)
	}
	traffic, err := f.traffic(ctx)
	if err != nil {
		return err
	}
	var pool []provider.Deployment
	for _, s := range states {
		pool = append(pool, provider.Deployment{TPM: s.Limit(engine.LimitTPM).Max})
	}
	if err := replay.FitLoad(traffic, pool, f.load); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if f.trace == "" {
		traffic.Level(levelled) // a run is short, so the load holds for each minute of it
	}
	if _, err := fmt.Fprintf(env.Stderr, "plimsoll: replay: playing for %v; interrupt it for the result so far\n", f.length); err != nil {
		return err
	}
	out := drive.Run(ctx, drive.Options{
		Client: client, Groups: drive.Groups(states), Trace: traffic, Speed: f.speed, For: f.length, Seed: f.seed,
	})
	if f.json {
		return json.NewEncoder(env.Stdout).Encode(out)
	}
	if _, err := fmt.Fprintf(env.Stdout, "%s, load %v, speed %v, seed %d\n\n", f.source(), f.load, f.speed, f.seed); err != nil {
		return err
	}
	return out.WriteTable(env.Stdout)
}

// chosen returns the deployments that traffic is for: those of the group that
// was asked for, or all.
func (f flags) chosen(states []engine.State) ([]engine.State, error) {
	if len(states) == 0 {
		return nil, errors.New("the daemon has no deployments")
	}
	if f.group == "" {
		return states, nil
	}
	var chosen []engine.State
	for _, s := range states {
		if s.Group == f.group {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		var names []string
		for _, g := range drive.Groups(states) {
			names = append(names, g.Name)
		}
		return nil, fmt.Errorf("the daemon has no group %q; use one of: %s", f.group, listed(names, func(s string) string { return s }))
	}
	return chosen, nil
}
