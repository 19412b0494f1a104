package replay_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

var rulesNodes = flag.Int("rules.nodes", 1, "nodes that share the limits in the runs of the rules")

// generators make the traffic that the rules run on, and traces are that of
// production.
var generators = map[string]trace.Workload{"chat": trace.Chat(), "code": trace.Code(), "long": trace.Long(), "reason": trace.Reason()}

// ruleTraffics returns the traffic to run, by name, in order: all generators, and
// the traces beside the checkout, if they are there.
func ruleTraffics(t *testing.T) (names []string, load func(name string) trace.Trace) {
	t.Helper()
	names = []string{"chat", "code", "long", "reason"}
	for _, file := range []string{"azure_conv_2023.csv", "azure_code_2023.csv", "servegen_r1_synth.csv"} {
		if _, err := os.Stat(filepath.Join(filepath.FromSlash(tracesBesideCheckout), file)); err == nil {
			names = append(names, file)
		}
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
