package daemon_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// TestNeverReachedTheStore: a daemon that has never reached its store admits nothing at first, and
// then what the file says: its share by the number of nodes, whole limits, or nothing.
func TestNeverReachedTheStore(t *testing.T) {
	for _, test := range []struct {
		name, store string
		want        int // of 600 a day
	}{
		{"no number of nodes", "", 600},
		{"four nodes", ", nodes: 4", 150},
		{"open", ", nodes: 4, outage: open", 600},
		{"closed", ", outage: closed", 0},
	} {
		for _, mode := range []string{"usage", "auto"} {
			t.Run(test.name+", "+mode, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "plimsoll.yaml")
				require.NoError(t, os.WriteFile(path, []byte("deployments: [{id: a, group: chat, rpd: 600}]\nstore: {url: 'valkey://127.0.0.1:1', mode: "+mode+test.store+"}\n"), 0o600))
				d, err := daemon.New(daemon.Options{Config: path, Log: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				g, err := d.Engine.Group("chat")
				require.NoError(t, err)
				admitted := 0
				admits := func() bool {
					lease, err := g.Acquire(engine.Demand{OutputTokens: engine.NoOutput})
					if err == nil {
						admitted++
						lease.SettleReserved()
					}
					return err == nil
				}
				require.False(t, admits(), "before it runs")
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- d.Run(ctx, nil) }()
				defer func() { stop(); require.Error(t, <-done, "the last usage was not shared") }()
				if test.want == 0 {
					servertest.Until(t, "the policy decides", func() bool { return d.Syncer.Stats().Degraded > 3*time.Second || admits() })
				} else {
					servertest.Until(t, "its part is admitted", func() bool {
						for admits() {
						}
						return admitted >= test.want
					})
				}
				require.False(t, admits())
				require.Equal(t, test.want, admitted)
			})
		}
	}
}
