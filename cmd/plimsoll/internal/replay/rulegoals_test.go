package replay_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

var (
	allTraffic = flag.Bool("rules.all", false, "run the rules on all generators and on the traces beside the checkout, not on two generators")
	rulesNodes = flag.Int("rules.nodes", 1, "nodes that share the limits in the runs of the rules")
)

// generators make the traffic that the rules run on, and traces are that of
// production.
var generators = map[string]trace.Workload{"chat": trace.Chat(), "code": trace.Code(), "long": trace.Long(), "reason": trace.Reason()}

// ruleTraffics returns the traffic to run, by name, in order.
func ruleTraffics(t *testing.T) (names []string, load func(name string) trace.Trace) {
	t.Helper()
	names = []string{"chat", "code"}
	if *allTraffic {
		names = []string{"chat", "code", "long", "reason", "azure_conv_2023.csv", "azure_code_2023.csv", "servegen_r1_synth.csv"}
	}
	return names, func(name string) trace.Trace {
		if w, ok := generators[name]; ok {
			requests := trace.Generate(1, time.Hour, w)
			requests.NameMaxOutput(1)
			return requests
		}
		return traffic{name: name, file: name}.load(t)
	}
}

// bars are what the engine reaches near full load, on the mean of the traffic:
// goodput as a share of the best clairvoyant's, provider 429s per 1000 calls,
// and, where the limits are the operator's caps, tokens above them as a share of
// the quota.
var bars = map[string]struct{ goodput, refused, over float64 }{
	"fixed":         {goodput: 0.975, refused: 3},
	"fixed-unknown": {goodput: 0.975, refused: 3},
	"bucket":        {goodput: 0.99, refused: 3},
	"azure10":       {goodput: 0.985, refused: 3},
	"azure1":        {goodput: 0.985, refused: 3},
	"sliding":       {goodput: 0.965, refused: 60},
	"softcap":       {over: 0.003},
}

// The engine beside LiteLLM's rule under every provider's, at 95 % load. With -v
// it prints the table; -rules.all makes it longer.
func TestRuleGoals(t *testing.T) {
	names, load := ruleTraffics(t)
	var table strings.Builder
	for _, kind := range provider.Kinds {
		for _, policy := range []string{"engine", "litellm+cooldown"} {
			if *rulesNodes > 1 && policy != "engine" {
				continue
			}
			var goodput, refused, over float64
			fmt.Fprintf(&table, "%-13s %-16s", kind.Name, policy)
			for _, name := range names {
				r := underRule(t, load(name), kind, policy)
				n := float64(len(names))
				of := 1000 * float64(r.Provider429) / float64(r.Offered)
				above := float64(r.OverrunTokens) / float64(r.QuotaTokens)
				if kind.Enforces {
					goodput += r.Clairvoyant.Goodput / n
					fmt.Fprintf(&table, " | %s %.1f/%.1f/%.0f", strings.TrimSuffix(name, ".csv"), 100*r.Clairvoyant.Goodput, of,
						1000*float64(r.Clairvoyant.Avoidable)/float64(r.Offered))
				} else {
					fmt.Fprintf(&table, " | %s %.2f", strings.TrimSuffix(name, ".csv"), 100*above)
				}
				refused, over = refused+of/n, over+above/n
			}
			if !kind.Enforces {
				fmt.Fprintf(&table, " || mean %.2f %% over\n", 100*over)
			} else {
				fmt.Fprintf(&table, " || mean %.2f %%, %.2f 429s\n", 100*goodput, refused)
			}
			if bar := bars[kind.Name]; policy == "engine" && *rulesNodes == 1 && !*allTraffic {
				assert.GreaterOrEqual(t, goodput, bar.goodput, kind.Name)
				if kind.Enforces {
					assert.LessOrEqual(t, refused, bar.refused, kind.Name)
				} else {
					assert.LessOrEqual(t, over, bar.over, kind.Name)
				}
			}
		}
	}
	t.Logf("goodput of the best clairvoyant's in %% / 429s / avoidable refusals per 1000, or tokens above soft caps in %% of the quota\n%s", table.String())
}
