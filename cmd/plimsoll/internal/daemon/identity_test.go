package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/engine"
)

const editable = `
model_list:
  - model_name: chat
    litellm_params: {model: openai/m, api_base: "http://127.0.0.1:9/v1", api_key: k1, rpm: 5}
router_settings: {routing_strategy: usage-based-routing-v2}
`

// edit writes a file and returns what changes it.
func edit(t *testing.T, text string) (path string, change func(from, to string)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path, func(from, to string) {
		t.Helper()
		require.Contains(t, text, from)
		text = strings.Replace(text, from, to, 1)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// burst returns how many of n requests are admitted.
func burst(t *testing.T, e *engine.Engine, n int) (admitted int) {
	t.Helper()
	g, err := e.Group("chat")
	require.NoError(t, err)
	for range n {
		if lease, ok := g.TryAcquire(engine.Demand{}); ok {
			admitted++
			lease.Settle(engine.Usage{})
		}
	}
	return admitted
}

// Counts survive every kind of edit of a LiteLLM file: of 6 requests, the largest
// limit, none is admitted twice.
func TestCountsSurviveEdits(t *testing.T) {
	for {
		total, oneMinute := editing(t)
		if oneMinute {
			require.Equal(t, 6, total)
			return
		} // a minute ended meanwhile, and its counts with it
	}
}

// editing returns how many requests were admitted between edits, and whether all of
// them came within one minute.
func editing(t *testing.T) (total int, oneMinute bool) {
	t.Helper()
	path, change := edit(t, editable)
	d, err := daemon.New(daemon.Options{Config: path})
	require.NoError(t, err)
	minute := d.Clock.Read() / 60e9
	total = burst(t, d.Engine, 8)
	for _, step := range [][2]string{
		{"rpm: 5", "rpm: 6"},
		{"rpm: 6", "rpm: 4"},
		{"api_key: k1, rpm: 4", "rpm: 4, api_key: k1"},
		{"api_key: k1", "api_key: k2"},
		{"rpm: 4,", "rpm: 4, timeout: 30,"},
		{"rpm: 4,", "rpm: 6,"},
	} {
		change(step[0], step[1])
		d.Reload()
		total += burst(t, d.Engine, 8)
	}
	return total, d.Clock.Read()/60e9 == minute
}

// A store whose address is not known is refused, unless the flag names one.
func TestStoreWithoutAnAddress(t *testing.T) {
	path, _ := edit(t, strings.Replace(editable, "router_settings: {", "router_settings: {redis_host: os.environ/NO_SUCH_HOST, ", 1))
	none := func(string) (string, bool) { return "", false }
	_, err := daemon.New(daemon.Options{Config: path, LookupEnv: none})
	require.ErrorContains(t, err, "store: the environment variable NO_SUCH_HOST is not set")
	d, err := daemon.New(daemon.Options{Config: path, LookupEnv: none, Sync: "valkey://127.0.0.1:1"})
	require.NoError(t, err)
	require.NotNil(t, d.Syncer)
}
