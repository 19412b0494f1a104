//go:build !race

// One goroutine, minutes of it: the race detector would find nothing in an hour.

package replay_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

var withLiteLLM = flag.Bool("rules.litellm", false, "run LiteLLM's rule under the rules too")

// bar is what the engine reaches near full load, on the mean of the traffic:
// goodput as a share of the best clairvoyant's, provider 429s per 1000 calls,
// and, where the limits are the operator's caps, tokens above them as a share of
// the quota.
type bar struct{ goodput, refused, over float64 }

// bars are for a node alone. The engine has no rule for a sliding minute, which it takes for
// a bucket.
var bars = map[string]bar{
	"fixed":         {goodput: 0.975, refused: 3},
	"fixed-unknown": {goodput: 0.975, refused: 3},
	"bucket":        {goodput: 0.99, refused: 3},
	"azure10":       {goodput: 0.985, refused: 3},
	"azure1":        {goodput: 0.985, refused: 3},
	"sliding":       {goodput: 0.965, refused: 60},
	"softcap":       {over: 0.01},
}

// nodeBars are for five nodes that exchange usage every 100 ms.
var nodeBars = map[string]bar{
	"fixed":         {goodput: 0.975, refused: 15},
	"fixed-unknown": {goodput: 0.975, refused: 15},
	"bucket":        {goodput: 0.99, refused: 15},
	"azure10":       {goodput: 0.985, refused: 15},
}

// TestRuleGoals is the engine under every provider's rule, at 95 % load. With -v
// it prints the table; -rules.litellm has LiteLLM's rule beside it, -rules.nodes
// changes how many nodes there are.
func TestRuleGoals(t *testing.T) {
	names, load := ruleTraffics(t)
	var table strings.Builder
	for _, kind := range provider.Kinds {
		got := underRuleOf(t, &table, kind, "engine", names, load)
		if *rulesNodes == 1 {
			got.check(t, kind, bars[kind.Name])
		}
		if *withLiteLLM && *rulesNodes == 1 {
			underRuleOf(t, &table, kind, "litellm+cooldown", names, load)
		}
	}
	t.Logf("goodput of the best clairvoyant's in %% / 429s / avoidable refusals per 1000, or tokens above soft caps in %% of the quota\n%s", table.String())
}

// TestRuleGoalsOfNodes is that for five nodes, under the rules that have bars for
// them, on the generators.
func TestRuleGoalsOfNodes(t *testing.T) {
	before := *rulesNodes
	*rulesNodes = 5
	defer func() { *rulesNodes = before }()
	_, load := ruleTraffics(t)
	names := []string{"code"} // the hour that is over soonest
	if full {
		names = []string{"chat", "code", "long", "reason"}
	}
	var table strings.Builder
	for _, kind := range provider.Kinds {
		if bar, ok := nodeBars[kind.Name]; ok {
			underRuleOf(t, &table, kind, "engine", names, load).check(t, kind, bar)
		}
	}
	t.Logf("goodput / 429s / avoidable refusals of five nodes\n%s", table.String())
}

// check holds what was reached against the bar.
func (b bar) check(t *testing.T, kind provider.Kind, want bar) {
	t.Helper()
	if !kind.Enforces {
		assert.LessOrEqual(t, b.over, want.over, kind.Name)
		return
	}
	assert.GreaterOrEqual(t, b.goodput, want.goodput, kind.Name)
	assert.LessOrEqual(t, b.refused, want.refused, kind.Name)
}

// underRuleOf runs a policy on all traffic, writes a row, and returns the means.
func underRuleOf(t *testing.T, table *strings.Builder, kind provider.Kind, policy string, names []string, load func(string) trace.Trace) (mean bar) {
	t.Helper()
	fmt.Fprintf(table, "%-13s %-16s", kind.Name, policy)
	n := float64(len(names))
	for _, name := range names {
		r := underRule(t, load(name), kind, policy)
		refused := 1000 * float64(r.Provider429) / float64(r.Offered)
		over := float64(r.OverrunTokens) / float64(r.QuotaTokens)
		mean.refused, mean.over = mean.refused+refused/n, mean.over+over/n
		name = strings.TrimSuffix(name, ".csv")
		if !kind.Enforces {
			fmt.Fprintf(table, " | %s %.2f", name, 100*over)
			continue
		}
		mean.goodput += r.Clairvoyant.Goodput / n
		fmt.Fprintf(table, " | %s %.1f/%.1f/%.0f", name, 100*r.Clairvoyant.Goodput, refused,
			1000*float64(r.Clairvoyant.Avoidable)/float64(r.Offered))
	}
	if kind.Enforces {
		fmt.Fprintf(table, " || mean %.2f %%, %.2f 429s\n", 100*mean.goodput, mean.refused)
	} else {
		fmt.Fprintf(table, " || mean %.2f %% over\n", 100*mean.over)
	}
	return mean
}
