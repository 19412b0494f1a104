package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/metrics"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
)

var (
	described = regexp.MustCompile(`fqName: "([a-z_]+)"`)
	mentioned = regexp.MustCompile(`plimsoll_[a-z_]*[a-z]`)
	daemons   = regexp.MustCompile(`^plimsoll_(http|proxy|group|token|config|recorded|deployment_answers|deployment_tokens)(_|$)`)
)

// names are those of all metrics there are.
func names(t *testing.T) map[string]bool {
	t.Helper()
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat"})
	c := newCollector(t, metrics.Config{Engine: eng, Syncer: newSyncer(t, eng, memstore.New(memstore.Config{}))})
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		c.Describe(ch)
	}()
	all := map[string]bool{}
	for d := range ch {
		all[described.FindStringSubmatch(d.String())[1]] = true
	}
	require.Greater(t, len(all), 40)
	return all
}

// The dashboard, the alerts and the documents name only metrics that exist.
func TestMonitoring(t *testing.T) {
	all := names(t)
	for file, least := range map[string]int{
		"../../docs/monitoring/alerts.yaml": 10, "../../docs/monitoring/dashboard.json": 10, "doc.go": 20, "../../docs/REFERENCE.md": 8, "../../docs/OPERATIONS.md": 5,
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := map[string]bool{}
		for _, name := range mentioned.FindAllString(string(text), -1) {
			if daemons.MatchString(name) { // the daemon's tests look at them
				continue
			}
			require.Contains(t, all, name, file)
			found[name] = true
		}
		require.GreaterOrEqual(t, len(found), least, file)
		require.False(t, strings.HasSuffix(file, ".json") && !json.Valid(text), file)
	}
}

// The package comment lists every metric; names that only differ in their end
// are written as _end.
func TestEveryMetricIsDocumented(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for name := range names(t) {
		documented := strings.Contains(string(text), name)
		for i := len("plimsoll_"); i < len(name) && !documented; i++ {
			documented = name[i] == '_' && regexp.MustCompile(`, `+name[i:]+`\b`).Match(text)
		}
		require.True(t, documented, name)
	}
}
