package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// groupCalls and fewestCalls bound how many calls the groups of a configuration
// are sent: together, and each.
const (
	groupCalls  = 60_000
	fewestCalls = 1_000
)

// groupOutcome is the result of one group. Its JSON is an element of what plimsoll
// replay --config --json prints for several groups.
type groupOutcome struct {
	Group   string  `json:"group"`
	Skipped string  `json:"skipped,omitempty"` // why nothing was played
	Result  outcome `json:"result,omitempty"`

	pool pool
}

// groupsOutcome is the result of all groups.
type groupsOutcome struct {
	Groups []groupOutcome `json:"groups"`
	Sum    outcome        `json:"sum,omitempty"` // nil where nothing was played
}

// replayGroups plays the traffic to each group and prints a table for each, and
// one for all of them.
func (f flags) replayGroups(ctx context.Context, env cmdline.Environment, traffic trace.Trace, pools []pool) error {
	most := max(groupCalls/len(pools), fewestCalls)
	if f.trace != "" && len(pools) == 1 {
		most = len(traffic)
	}
	bar := cmdline.NewProgress(env, f.runs()*min(most, len(traffic))*len(pools), "requests")
	defer bar.Clear()
	var all groupsOutcome
	done := 0
	for _, p := range pools {
		g, played, err := f.replayGroup(ctx, func(n int) { bar.Show(done + n) }, traffic, p, most)
		if err != nil {
			return fmt.Errorf("replay: group %s: %w", p.group, err)
		}
		done += played
		all.Groups = append(all.Groups, g)
	}
	bar.Clear()
	return f.write(env, all)
}

// write prints the results of the groups.
func (f flags) write(env cmdline.Environment, all groupsOutcome) error {
	if len(all.Groups) == 1 {
		return f.writeGroup(env, all.Groups[0])
	}
	all.Sum = all.sum()
	if f.json {
		return json.NewEncoder(env.Stdout).Encode(all)
	}
	return f.writeGroups(env, all)
}

// replayGroup plays the traffic to one group. It returns how many requests of all
// runs that took.
func (f flags) replayGroup(ctx context.Context, progress func(int), traffic trace.Trace, p pool, most int) (groupOutcome, int, error) {
	g, fitted, err := f.fitGroup(traffic, p, most)
	if err != nil || g.Skipped != "" {
		return g, 0, err
	}
	if f.rule != nil {
		fitted.NameEstimates(f.seed)
	}
	g.Result, err = f.replay(ctx, progress, fitted, p)
	return g, f.runs() * len(fitted), err
}

// fitGroup returns the traffic of a group, or why it gets none.
func (f flags) fitGroup(traffic trace.Trace, p pool, most int) (groupOutcome, trace.Trace, error) {
	g := groupOutcome{Group: p.group, pool: p}
	if len(p.deployments) == 0 {
		g.Skipped = "every deployment is disabled"
		return g, nil, nil
	}
	if p.silent {
		traffic = traffic.WithoutOutput()
	}
	fitted, err := replay.FitGroup(traffic, p.deployments, f.load, most)
	if errors.Is(err, replay.ErrNothingAllowed) {
		g.Skipped = err.Error()
		return g, nil, nil
	}
	return g, fitted, err
}

// sum returns the result of all groups together; nil if none was played.
func (all groupsOutcome) sum() outcome {
	var reports []*replay.Report
	var comparisons []*replay.Comparison
	var live []*replay.LiveReport
	for _, g := range all.Groups {
		switch r := g.Result.(type) {
		case *replay.Report:
			reports = append(reports, r)
		case *replay.Comparison:
			comparisons = append(comparisons, r)
		case *replay.LiveReport:
			live = append(live, r)
		}
	}
	switch {
	case len(reports) > 0:
		return replay.Sum(reports)
	case len(comparisons) > 0:
		return replay.SumComparisons(comparisons)
	case len(live) > 0:
		return replay.SumLive(live)
	}
	return nil
}

// writeGroup prints the outcome of the only group.
func (f flags) writeGroup(env cmdline.Environment, g groupOutcome) error {
	if g.Skipped != "" {
		return fmt.Errorf("replay: %s: group %s: %s", f.config, g.Group, g.Skipped)
	}
	if f.json {
		return json.NewEncoder(env.Stdout).Encode(g.Result)
	}
	assumed := g.pool.assumption()
	if _, err := fmt.Fprintf(env.Stdout, "%s, load %v, %s, %s, seed %d\n%s\n",
		f.source(), f.load, g.pool.name, f.subject(g.pool), f.seed, lineOf(assumed)); err != nil {
		return err
	}
	return g.Result.WriteTable(env.Stdout)
}

// writeGroups prints the outcomes of several groups.
func (f flags) writeGroups(env cmdline.Environment, all groupsOutcome) error {
	if _, err := fmt.Fprintf(env.Stdout, "%s, load %v, config %s, %s, %s, seed %d\n",
		f.source(), f.load, f.config, cmdline.Counted(len(all.Groups), "group"), f.subject(all.Groups[0].pool), f.seed); err != nil {
		return err
	}
	for _, g := range all.Groups {
		note := cmp.Or(g.Skipped, g.pool.assumption())
		if _, err := fmt.Fprintf(env.Stdout, "\nGroup %s, %s\n%s\n", g.Group, cmdline.Counted(len(g.pool.deployments), "deployment"), lineOf(note)); err != nil {
			return err
		}
		if g.Result == nil {
			continue
		}
		if err := g.Result.WriteTable(replay.Brief{Writer: env.Stdout}); err != nil {
			return err
		}
	}
	if all.Sum == nil {
		return fmt.Errorf("replay: %s: no group has a deployment that could be sent a call", f.config)
	}
	if _, err := fmt.Fprintf(env.Stdout, "\nAll groups\n\n"); err != nil {
		return err
	}
	return all.Sum.WriteTable(env.Stdout)
}

// lineOf returns a text as a line of its own; "" for none.
func lineOf(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}
