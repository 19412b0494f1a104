package replay_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// One node with a store keeps every limit, by accounts that do not ask it.
func TestOneNodeNeverPassesALimit(t *testing.T) {
	for _, limit := range gridLimits {
		for _, burst := range []bool{false, true} {
			r := clusterRun(t, doubled(limit, burst, 3, 1), []provider.Deployment{limit}, replay.Engine(engine.LeastUtilized), 1, 1)
			require.Len(t, r.Limits, 1)
			require.Zero(t, r.Limits[0].OverMax, limit.ID)
			require.Zero(t, r.RefusedWithRoom, limit.ID)
			require.Positive(t, r.Limits[0].FullMinutes, limit.ID)
			require.InDelta(t, 1, r.Limits[0].Admitted, 0.02, limit.ID)
		}
	}
}

// Nodes that know of each other keep a steady load near the limit; nodes whose
// store is never reached in time would admit it all.
func TestNodesShareOneLimit(t *testing.T) {
	limit := gridLimits[3]
	r := clusterRun(t, doubled(limit, false, 4, 1), []provider.Deployment{limit}, replay.Engine(engine.LeastUtilized), 10, 1)
	require.Less(t, r.Limits[0].OverMax, 0.05)
	require.InDelta(t, 1, r.Limits[0].Admitted, 0.02)
	theirs := clusterRun(t, doubled(limit, false, 4, 1), []provider.Deployment{limit}, replay.LiteLLM, 10, 1)
	require.Greater(t, theirs.Limits[0].OverMean, 0.5, "tokens are not shared")
}

// A cluster accounts for every call, in the same way on every run.
func TestRunNodes(t *testing.T) {
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	requests := generated(t, 1)[:4000]
	require.NoError(t, replay.FitLoad(requests, pool, 1.5))
	last, previous := 0, ""
	for range 2 {
		r, err := replay.RunNodes(t.Context(), replay.Options{
			Trace: requests, Pool: pool, Policy: replay.Engine(engine.LeastUtilized), PolicyName: "engine", Seed: 7,
			Nodes:    &replay.Nodes{Count: 5, Interval: 100 * time.Millisecond},
			Progress: func(n int) { last = n },
		})
		require.NoError(t, err)
		requireConsistent(t, r)
		require.Equal(t, replay.NodeRuns()*len(requests), last)
		c := r.Cluster
		require.EqualValues(t, len(requests), c.Offered)
		require.Equal(t, 5, c.Nodes)
		require.EqualValues(t, 100, c.IntervalMS)
		require.Len(t, c.Limits, 20)
		for _, l := range c.Limits {
			require.LessOrEqual(t, l.OverMean, l.OverMax)
			require.LessOrEqual(t, l.OverMax, l.Bound, "%s %s", l.Deployment, l.Kind)
		}
		r.WallMS, r.DecisionsPerS = 0, 0
		text, err := json.Marshal(r)
		require.NoError(t, err)
		if previous != "" {
			require.Equal(t, previous, string(text))
		}
		previous = string(text)
	}
}

func TestNodesErrors(t *testing.T) {
	limit := gridLimits[1]
	for want, o := range map[string]replay.Options{
		"0 nodes are not from 1 to 1000":                     {Policy: replay.LiteLLM, Nodes: &replay.Nodes{Interval: time.Second}},
		"1001 nodes are not from 1 to 1000":                  {Policy: replay.LiteLLM, Nodes: &replay.Nodes{Count: 1001, Interval: time.Second}},
		"the policy cannot be shared by several nodes":       {Policy: replay.Random, Nodes: &replay.Nodes{Count: 2, Interval: time.Second}},
		"syncer: Config.Interval: 5s is not from 10ms to 1s": {Policy: replay.Engine(engine.LeastUtilized), Nodes: &replay.Nodes{Count: 2, Interval: 5 * time.Second}},
	} {
		o.Trace, o.Pool = doubled(limit, false, 1, 1), []provider.Deployment{limit}
		_, err := replay.Run(t.Context(), o)
		require.EqualError(t, err, want)
	}
}

func TestClusterTables(t *testing.T) {
	cluster := func(scale float64) *replay.ClusterReport {
		return &replay.ClusterReport{Nodes: 10, IntervalMS: 100, RefusedWithRoom: 12, Offered: 10_000, Limits: []replay.LimitReport{
			{Deployment: "small", Kind: "rpm", Limit: 6, OverMean: 0.01 * scale, OverMax: 0.5 * scale, Bound: 4},
			{Deployment: "small", Kind: "tpm", Limit: 30_000, OverMax: 0.02 * scale, Bound: 1.5, FullMinutes: 2, Admitted: 0.99},
			{Deployment: "large", Kind: "tpm", Limit: 300_000, FullMinutes: 6, Admitted: 1.01},
		}}
	}
	golden(t, "cluster", &replay.Report{Cluster: cluster(1)})
	golden(t, "clusters", &replay.Comparison{Policies: []replay.PolicyReport{
		{Report: &replay.Report{Policy: "engine", Cluster: cluster(1)}},
		{Report: &replay.Report{Policy: "litellm", Cluster: cluster(3)}},
	}})
}
