package daemon_test

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// ordered are two deployments of one group, of which the first is used before the second.
const ordered = `
model_list:
  - model_name: chat
    litellm_params: {model: openai/m, api_base: "http://127.0.0.1:9/v1", api_key: k1, rpm: 5, order: 1}
  - model_name: chat
    litellm_params: {model: openai/n, api_base: "http://127.0.0.1:9/v1", api_key: k1, rpm: 3, order: 2}
router_settings: {routing_strategy: usage-based-routing-v2}
`

// edits are what people do to such a file; none of them changes a limit.
var edits = [][2]string{
	{"api_key: k1, rpm: 5", "rpm: 5, api_key: k1"},        // keys reordered
	{"api_key: k1, rpm: 3", "api_key: k2, rpm: 3"},        // a key rotated
	{"rpm: 5,", "rpm: 5, timeout: 30, temperature: 0.5,"}, // parameters added
	{"  - model_name: chat\n    litellm_params: {model: openai/n", "  - {model_name: more, litellm_params: {model: openai/o, api_key: k}}\n  - model_name: chat\n    litellm_params: {model: openai/n"}, // an entry inserted
	{"  - {model_name: more, litellm_params: {model: openai/o, api_key: k}}\n", ""},                                                                                                                     // and removed
	{"openai/n, api_base", "openai/n, base_url"}, // another name of a key
	{"rpm: 5, ", ""}, // the limit moves
	{"  - model_name: chat\n", "  - rpm: 5\n    model_name: chat\n"}, // to the entry
}

// Two nodes share a server while one file is edited in every way: both limits hold as
// for one node with one file, and the quota is used up.
func TestLimitsHoldWhileOneNodeIsEdited(t *testing.T) {
	server := servertest.Start(t)
	for {
		total, oneMinute := editedNodes(t, server.Addr())
		if oneMinute {
			require.Equal(t, 5+3, total)
			return
		}
		_, err := servertest.Ask(server.Addr(), "FLUSHALL") // a minute ended meanwhile
		require.NoError(t, err)
	}
}

// editedNodes returns how many requests two nodes admitted, and whether all of them came
// within one minute.
func editedNodes(t *testing.T, addr string) (total int, oneMinute bool) {
	t.Helper()
	start := func(path string) (*daemon.Daemon, func()) {
		d, err := daemon.New(daemon.Options{Config: path, Sync: "valkey://" + addr, SyncMode: "usage"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx, nil) }()
		return d, func() { cancel(); require.NoError(t, <-done) }
	}
	path, _ := edit(t, ordered)
	still, stop := start(path)
	defer stop()
	path, change := edit(t, ordered)
	edited, stop := start(path)
	defer stop()
	minute := still.Clock.Read() / 60e9
	same := func() bool { return still.Clock.Read()/60e9 == minute }
	agreed := func() { // of each deployment: a forecast of one may make up for another's
		servertest.Until(t, "both nodes have the same counts", func() bool {
			a, b := requests(still.Engine), requests(edited.Engine)
			return !same() || maps.Equal(a, b) && sum(a) == int64(total)
		})
	}
	servertest.Until(t, "both nodes have had their first exchange", func() bool {
		return still.Syncer.Stats().Exchanges > 0 && edited.Syncer.Stats().Exchanges > 0
	})
	for i, e := range edits {
		node := still
		if i%2 == 1 {
			node = edited
		}
		if i < 7 {
			total += burst(t, node.Engine, 1)
		}
		agreed()
		change(e[0], e[1])
		edited.Reload()
		require.Empty(t, edited.Reloads().Problem)
		agreed()
	}
	total += burst(t, edited.Engine, 4)
	agreed()
	total += burst(t, still.Engine, 4)
	return total, same()
}

// requests returns how many requests are counted of each deployment of the group.
func requests(e *engine.Engine) map[string]int64 {
	n := map[string]int64{}
	for _, s := range e.AppendStates(nil) {
		if s.Group == "chat" {
			n[s.ID] = s.Limit(engine.LimitRPM).Used
		}
	}
	return n
}

func sum(of map[string]int64) (n int64) {
	for _, v := range of {
		n += v
	}
	return n
}
