// Package replay is plimsoll replay: it reads the flags, plays traffic by
// internal/replay or internal/drive, and prints the result.
package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// generatedLength is how long the generated traffic is, before it is warped.
const generatedLength = time.Hour

// outcome is what a replay prints.
type outcome interface{ WriteTable(w io.Writer) error }

// New returns plimsoll replay.
func New(env cmdline.Environment) *cobra.Command {
	f := flags{load: 0.95, seed: 1, nodes: 1, speed: 1}
	c := cmdline.New(cmdline.Text{Use: "replay [flags]", Short: "run a trace of LLM traffic through the engine in virtual time", Intro: intro, More: more})
	f.register(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("target") {
			if err := f.completeTarget(c.Flags(), args); err != nil {
				return err
			}
			return f.replayTarget(c.Context(), env)
		}
		if err := f.complete(args); err != nil {
			return err
		}
		return f.run(c.Context(), env)
	}
	return c
}

func (f flags) run(ctx context.Context, env cmdline.Environment) error {
	if f.live() {
		if err := f.checkServer(); err != nil {
			return err
		}
	}
	if f.scenario != "" {
		return f.playScenario(ctx, env)
	}
	pools, err := f.readPools(env)
	if err != nil {
		return err
	}
	traffic, err := f.traffic(ctx)
	if err != nil {
		return err
	}
	switch {
	case pools[0].several && f.live():
		return f.replayLiveGroups(ctx, env, traffic, pools)
	case pools[0].several:
		return f.replayGroups(ctx, env, traffic, pools)
	}
	pool := pools[0]
	if traffic, err = f.fit(traffic, pool); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	var out outcome
	if f.live() {
		out, err = f.replayLive(ctx, env, traffic, pool)
	} else {
		bar := cmdline.NewProgress(env, f.runs()*len(traffic), "requests")
		defer bar.Clear()
		out, err = f.replay(ctx, bar.Show, traffic, pool)
		bar.Clear()
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if f.json {
		return json.NewEncoder(env.Stdout).Encode(out)
	}
	if _, err := fmt.Fprintf(env.Stdout, "%s, load %v, %s, %s, seed %d\n\n",
		f.source(), f.load, pool.name, f.subject(pool), f.seed); err != nil {
		return err
	}
	return out.WriteTable(env.Stdout)
}

// runs returns how many runs [flags.replay] makes.
func (f flags) runs() int {
	o := replay.Options{Kind: f.rule, PolicyName: f.policy, Nodes: f.sharing()}
	switch {
	case f.compare:
		return replay.CompareRuns(o.Nodes, f.rule)
	case f.rule != nil:
		return replay.RuleRuns(o)
	case o.Nodes != nil:
		return replay.NodeRuns()
	}
	return 1
}

// sharing returns the nodes that the flags ask for; nil = one.
func (f flags) sharing() *replay.Nodes {
	if f.nodes > 1 {
		return &replay.Nodes{Count: f.nodes, Interval: f.interval}
	}
	return nil
}

// replay runs the policies that the flags ask for.
func (f flags) replay(ctx context.Context, progress func(done int), traffic trace.Trace, pool pool) (outcome, error) {
	o := replay.Options{Trace: traffic, Pool: pool.deployments, Seed: f.seed, Kind: f.rule, PolicyName: f.policy, Nodes: f.sharing(), Progress: progress}
	if f.compare {
		return replay.Compare(ctx, o, pool.engine)
	}
	if f.policy != replay.ClairvoyantName {
		var err error
		if o.Policy, err = replay.PolicyNamed(f.policy, pool.engine); err != nil {
			return nil, err
		}
	}
	if o.Kind != nil {
		return replay.RunRule(ctx, o)
	}
	if o.Nodes != nil {
		return replay.RunNodes(ctx, o)
	}
	return replay.Run(ctx, o)
}

// traffic returns the trace that the flags ask for, in its own time.
func (f flags) traffic(ctx context.Context) (trace.Trace, error) {
	var t trace.Trace
	if f.trace == "" {
		w, err := workloads(f.kindOfTraffic)
		if err != nil {
			return nil, err
		}
		t = trace.Generate(f.seed, generatedLength, w...)
	} else {
		var err error
		if t, err = trace.ReadFile(ctx, f.trace); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	t.NameMaxOutput(f.seed)
	return t, nil
}

// fit returns the traffic at the load that the flags ask for.
func (f flags) fit(traffic trace.Trace, pool pool) (trace.Trace, error) {
	if f.rule != nil {
		return traffic, replay.FitRule(traffic, replay.Options{Pool: pool.deployments, Kind: f.rule, Seed: f.seed}, f.load)
	}
	return traffic, replay.FitLoad(traffic, pool.deployments, f.load)
}

const mixedTraffic = "mixed"

// workloads returns what generated traffic of that name is made of.
func workloads(name string) ([]trace.Workload, error) {
	switch name {
	case "", mixedTraffic:
		return []trace.Workload{trace.Chat(), trace.Code()}, nil
	case "chat":
		return []trace.Workload{trace.Chat()}, nil
	case "code":
		return []trace.Workload{trace.Code()}, nil
	case "long":
		return []trace.Workload{trace.Long()}, nil
	case "reason":
		return []trace.Workload{trace.Reason()}, nil
	}
	return nil, errors.New("want mixed, chat, code, long or reason")
}

// source names where the traffic comes from.
func (f flags) source() string {
	switch {
	case f.trace != "":
		return "Trace " + f.trace
	case f.kindOfTraffic == "" || f.kindOfTraffic == mixedTraffic:
		return "Generated chat and code traffic"
	}
	return "Generated traffic, " + f.kindOfTraffic
}

// subject names what decides: the engine's strategy, or another policy; and on
// how many nodes, if there are several.
func (f flags) subject(p pool) string {
	subject := fmt.Sprintf("strategy %v", p.strategy)
	if f.policy != replay.EngineName {
		subject = "policy " + f.policy
	}
	if f.rule != nil {
		subject += ", rule " + f.rule.Name
	}
	if f.nodes > 1 {
		subject += fmt.Sprintf(", %d nodes in step every %v", f.nodes, f.interval)
		if f.live() {
			subject += " by a server"
		}
	}
	return subject
}
