package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

// checkServer reports an address that cannot be one. It repeats nothing of it
// that may be secret, and connects to nothing.
func (f flags) checkServer() error {
	store, err := valkeystore.Open(f.sync, valkeystore.Config{})
	if err != nil {
		return usagef("--sync: %w", err)
	}
	store.Close()
	return nil
}

// liveRun is what the replays of one command in real time share.
type liveRun struct {
	flags
	mu       sync.Mutex // of bar and stderr
	bar      *cmdline.Progress
	env      cmdline.Environment
	policies []string
}

// livePolicies are those that share a server.
func (f flags) livePolicies() []string {
	if f.compare {
		return replay.NodePolicyNames()
	}
	return []string{f.policy}
}

// newLive prints what is going to happen.
func (f flags) newLive(env cmdline.Environment) *liveRun {
	r := &liveRun{flags: f, env: env, policies: f.livePolicies(), bar: cmdline.NewProgress(env, int(f.length.Seconds()), "seconds")}
	r.say(fmt.Sprintf("%d nodes for each policy share a server for %v; interrupt it for the result so far", f.nodes, f.length))
	return r
}

// say writes a line to stderr.
func (r *liveRun) say(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bar.Clear()
	_, _ = fmt.Fprintf(r.env.Stderr, "plimsoll: replay: %s\n", message) // a line that cannot be written is no reason to stop
}

// play plays the traffic to a pool in real time. What is interrupted has a result all
// the same. One of several that play at once shows how far it is.
func (r *liveRun) play(ctx context.Context, traffic trace.Trace, pool pool, shows bool) (*replay.LiveReport, error) {
	progress := func(time.Duration) {}
	if shows {
		progress = func(played time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.bar.Show(int(played.Seconds()))
		}
	}
	return replay.RunLive(ctx,
		replay.Options{Trace: traffic, Pool: pool.deployments, Seed: r.seed, Nodes: &replay.Nodes{Count: r.nodes, Interval: r.interval}},
		replay.Live{Address: r.sync, For: r.length, Warn: r.say, Progress: progress}, r.policies, pool.engine)
}

// close removes the bar.
func (r *liveRun) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bar.Clear()
}

// replayLive plays the traffic to the built-in pool in real time.
func (f flags) replayLive(ctx context.Context, env cmdline.Environment, traffic trace.Trace, pool pool) (outcome, error) {
	r := f.newLive(env)
	defer r.close()
	return r.play(ctx, traffic, pool, true)
}

// maxLiveNodes is how many nodes the groups and policies of one command may have
// together: each has a connection of its own.
const maxLiveNodes = 2000

// replayLiveGroups plays the traffic to all groups at once, each with nodes of its own,
// and prints a table for each, and one for all of them.
func (f flags) replayLiveGroups(ctx context.Context, env cmdline.Environment, traffic trace.Trace, pools []pool) error {
	if n := len(pools) * f.nodes * len(f.livePolicies()); n > maxLiveNodes && len(pools) > 1 {
		return usagef("%s has %d groups, and their nodes would be %d together; at most %d share a server at once. Choose one by --group NAME, or fewer --nodes", f.config, len(pools), n, maxLiveNodes)
	}
	r := f.newLive(env)
	defer r.close()
	all := groupsOutcome{Groups: make([]groupOutcome, len(pools))}
	errs := make([]error, len(pools))
	var wg sync.WaitGroup
	shows := true
	for i, p := range pools {
		var fitted trace.Trace
		if all.Groups[i], fitted, errs[i] = f.fitGroup(traffic, p, len(traffic)); errs[i] != nil || all.Groups[i].Skipped != "" {
			continue
		}
		first := shows
		shows = false
		wg.Go(func() {
			report, err := r.play(ctx, fitted, p, first)
			if err != nil {
				errs[i] = fmt.Errorf("group %s: %w", p.group, err)
				return
			}
			all.Groups[i].Result = report
		})
	}
	wg.Wait()
	r.close()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return f.write(env, all)
}
