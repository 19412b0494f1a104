package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

const (
	scenarioLoad = 2 // times each limit, unless --load is given
	scenarioFor  = 2 * time.Minute
)

// playScenario plays a scenario by way of a server, and prints the result.
func (f flags) playScenario(ctx context.Context, env cmdline.Environment) error {
	if !f.loadGiven {
		f.load = scenarioLoad
	}
	if f.modes == nil {
		f.modes = []syncer.Mode{syncer.Usage, syncer.Escrow}
	}
	r := &liveRun{flags: f, env: env, bar: cmdline.NewProgress(env, int(f.length.Seconds()), "seconds")}
	r.say(fmt.Sprintf("%d nodes for each rule and limit share a server for %v, from the next minute on; interrupt it for the minutes so far", f.nodes, f.length))
	defer r.close()
	report, err := replay.RunScenario(ctx, replay.Scenario{
		Name: f.scenario, Nodes: replay.Nodes{Count: f.nodes, Interval: f.interval}, Modes: f.modes,
		Load: f.load, Minutes: int(f.length / time.Minute), Seed: f.seed,
		Live: replay.Live{Address: f.sync, Warn: r.say, Progress: func(played time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.bar.Show(int(played.Seconds()))
		}},
	})
	r.close()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if report.Minutes == 0 {
		return errors.New("replay: interrupted before the first whole minute was over, so there is no result")
	}
	if f.json {
		return json.NewEncoder(env.Stdout).Encode(report)
	}
	if _, err := fmt.Fprintf(env.Stdout, "Scenario %s, %v times each limit, %d nodes in step every %v, %d minutes, seed %d\n\n",
		f.scenario, f.load, f.nodes, f.interval, report.Minutes, f.seed); err != nil {
		return err
	}
	return report.WriteTable(env.Stdout)
}
