package replay

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

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

// targetFlags are the flags of a replay against a daemon.
type targetFlags struct {
	flags
	target string
	speed  float64
}

// targeted reports whether a replay's arguments name a daemon.
func targeted(args []string) bool {
	for _, a := range args {
		if name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "="); name == "-target" || name == "target" && strings.HasPrefix(a, "-") {
			return true
		}
	}
	return false
}

func parseTargetFlags(args []string) (targetFlags, error) {
	f := targetFlags{flags: flags{load: 0.95, seed: 1, length: defaultFor}, speed: 1}
	all := f.flagSet()
	set := flag.NewFlagSet("replay", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("target", "", func(s string) error {
		f.target = s // checked later: package flag would repeat it, password and all
		return nil
	})
	set.Func("speed", "", func(s string) (err error) {
		if f.speed, err = strconv.ParseFloat(s, 64); err != nil || !(f.speed >= minSpeed && f.speed <= maxSpeed) {
			return fmt.Errorf("want a number from %v to %v", minSpeed, maxSpeed)
		}
		return nil
	})
	for _, name := range []string{"trace", "traffic", "group", "load", "seed", "json", "for"} {
		set.Var(all.Lookup(name).Value, name, "")
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return f, err
	} else if err != nil {
		return f, usagef("with --target: %s", cmdline.FlagMessage(err, set))
	}
	if set.NArg() > 0 {
		return f, usagef("unexpected argument after --target and its flags")
	}
	return f, nil
}

// runTarget is plimsoll replay --target.
func runTarget(ctx context.Context, args []string, env cmdline.Environment) error {
	f, err := parseTargetFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(env.Stdout, help)
		return err
	}
	if err != nil {
		return err
	}
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
		pool = append(pool, provider.Deployment{TPM: s.TokenLimit})
	}
	if err := replay.FitLoad(traffic, pool, f.load); err != nil {
		return fmt.Errorf("replay: %w", err)
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
func (f targetFlags) chosen(states []engine.State) ([]engine.State, error) {
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
