package serve

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// A scrape of 300 deployments that have every kind of limit and have all been
// called, refused and cooled down is bounded: 30 series a deployment, 100 kB compressed.
func TestScrapeIsBounded(t *testing.T) {
	const deployments = 300
	var config strings.Builder
	config.WriteString("deployments:\n")
	for i := range deployments {
		fmt.Fprintf(&config, "- {id: azure-eastus2-gpt-4o-%03d, group: gpt-4o-%02d, model: azure/gpt-4o, rpm: %d, tpm: %d, input_tpm: 90000, output_tpm: 80000, rph: 36000, tph: 6000000, rpd: 100000, tpd: 100000000, max_in_flight: 50}\n", i, i/15, 600+i, 100_000+7*i)
	}
	log := slog.New(slog.DiscardHandler)
	d, err := daemon.New(daemon.Options{Builtin: []byte(config.String()), Log: log})
	require.NoError(t, err)
	for i, s := range d.Engine.AppendStates(nil) {
		require.NoError(t, d.Engine.PreCheck(s.ID, engine.Demand{InputTokens: int64(100 + 13*i)}))
		for k, status := range []int{200, 400, 429, 503} {
			d.Traffic.Attempted(transport.Attempt{
				Group: s.Group, Deployment: s.ID, Number: 1 + k, Status: status, Ending: transport.Settled,
				Usage: engine.Usage{InputTokens: int64(i * 7919 % 1000), OutputTokens: int64(i * 104729 % 1000)}, FirstToken: time.Duration(i+1) * time.Millisecond,
			})
		}
		require.NoError(t, d.Engine.Cooldown(s.ID, time.Duration(i+1)*time.Second))
	}
	o, err := newOperators(d, server.NewEvents(log), log)
	require.NoError(t, err)
	mux := http.NewServeMux()
	o.register(mux)
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	compressed := w.Body.Len()
	plain, err := gzip.NewReader(w.Body)
	require.NoError(t, err)
	text, err := io.ReadAll(plain)
	require.NoError(t, err)
	series := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^[a-z_]+\{[^}]*deployment="([^"]*)"`).FindAllSubmatch(text, -1) {
		series[string(m[1])]++
	}
	require.Len(t, series, deployments)
	for id, n := range series {
		require.LessOrEqual(t, n, 30, id)
	}
	require.LessOrEqual(t, compressed, 100_000)
	require.Contains(t, string(text), `plimsoll_group_first_token_seconds_count{group="gpt-4o-00"} 60`)
	t.Logf("%d bytes, %d compressed, %d series a deployment", len(text), compressed, series["azure-eastus2-gpt-4o-000"])
}
