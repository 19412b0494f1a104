package replay

import (
	"context"
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

// replayLive plays the traffic in real time. What is interrupted has a result
// all the same.
func (f flags) replayLive(ctx context.Context, env cmdline.Environment, traffic trace.Trace, pool pool) (outcome, error) {
	policies := []string{f.policy}
	if f.compare {
		policies = replay.NodePolicyNames()
	}
	bar := newProgress(env, int(f.length.Seconds()))
	bar.label = func(done, total int) string {
		return fmt.Sprintf("%v of %v", time.Duration(done)*time.Second, time.Duration(total)*time.Second)
	}
	var mu sync.Mutex // of the bar and stderr
	say := func(message string) {
		mu.Lock()
		defer mu.Unlock()
		bar.clear()
		_, _ = fmt.Fprintf(env.Stderr, "plimsoll: replay: %s\n", message) // a line that cannot be written is no reason to stop
	}
	say(fmt.Sprintf("%d nodes for each policy share a server for %v; interrupt it for the result so far", f.nodes, f.length))
	r, err := replay.RunLive(ctx,
		replay.Options{Trace: traffic, Pool: pool.deployments, Seed: f.seed, Nodes: &replay.Nodes{Count: f.nodes, Interval: f.interval}},
		replay.Live{Address: f.sync, For: f.length, Warn: say, Progress: func(played time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			bar.show(int(played.Seconds()))
		}}, policies, pool.engine)
	mu.Lock()
	defer mu.Unlock()
	bar.clear()
	return r, err
}
