package daemon_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// accountOf returns how a daemon keeps a limit of a minute together.
func accountOf(d *daemon.Daemon, id string, of syncer.Counts) (a syncer.Account) {
	for _, a := range d.AppendAccounts(nil) {
		if a.ID == id && (a.Kind == window.KindMinute || a.Kind == window.KindPhased) && a.Count == of {
			return a
		}
	}
	return a
}

// TestModes: the file says for each deployment and limit how nodes keep it together, and is
// read again while the daemon runs; what cannot be is kept by usage and shown with a reason.
func TestModes(t *testing.T) {
	srv := servertest.Start(t)
	path := filepath.Join(t.TempDir(), "plimsoll.yaml")
	write := func(sync, store string) {
		require.NoError(t, os.WriteFile(path, []byte(`deployments:
- {id: a, group: chat, rpm: 600, tpm: 60000, sync: `+sync+`}
- {id: b, group: chat, rpm: 600}
- {id: c, group: chat, rpm: 600, sync: escrow, profile: {phase: 15s, learn_phase: true}}
- {id: d, group: chat, rpm: 600, sync: escrow, profile: {phase: 25s}}
- {id: e, group: chat, rpm: 600, profile: {pool: account}, sync: escrow}
- {id: f, group: chat, rpm: 600, profile: {pool: account}}
store: {url: "valkey://`+srv.Addr()+`", namespace: `+store+`}
`), 0o600))
	}
	start := func() *daemon.Daemon {
		d, err := daemon.New(daemon.Options{Config: path, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx, nil) }()
		t.Cleanup(func() { stop(); require.NoError(t, <-done) })
		return d
	}
	is := func(d *daemon.Daemon, id string, of syncer.Counts, mode syncer.Mode, reason string) {
		t.Helper()
		g, err := d.Engine.Group("chat")
		require.NoError(t, err)
		servertest.Until(t, id+" is kept by "+mode.String(), func() bool {
			if lease, err := g.AcquireGranted(context.Background(), engine.Demand{InputTokens: 1, OutputTokens: engine.NoOutput}); err == nil {
				lease.SettleReserved()
			}
			a := accountOf(d, id, of)
			return a.Limit != 0 && a.Mode == mode && a.Reason == reason
		})
	}
	write("{tpm: escrow, rpm: usage}", "own")
	d := start()
	is(d, "a", syncer.CountTokens, syncer.Escrow, "")
	is(d, "a", syncer.CountRequests, syncer.Usage, "")
	is(d, "b", syncer.CountRequests, syncer.Escrow, "") // by default, which is auto
	is(d, "c", syncer.CountRequests, syncer.Usage, "nodes cannot name its windows: of a phase or shape to be learned, or of a part of a minute that is no whole seconds")
	for _, id := range []string{"d", "e", "f"} { // by the pool's account, which each shows
		is(d, id, syncer.CountRequests, syncer.Escrow, "")
	}
	require.Equal(t, 1, d.Syncer.Stats().ByUsage)
}

// TestModesOfLiteLLMsKeys: escrow is refused with them, in words that name the way out; auto
// shares usage and says why.
func TestModesOfLiteLLMsKeys(t *testing.T) {
	srv := servertest.Start(t)
	path := filepath.Join(t.TempDir(), "plimsoll.yaml")
	require.NoError(t, os.WriteFile(path, []byte("deployments: [{id: a, group: chat, model: m, rpm: 600}]\nstore: {url: 'valkey://"+srv.Addr()+"', key_format: litellm}\n"), 0o600))
	_, err := daemon.New(daemon.Options{Config: path, SyncMode: "escrow", Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "--sync-mode: escrow needs counters that can be renamed after a loss")
	_, err = daemon.New(daemon.Options{Config: path, SyncMode: "exact", Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, `--sync-mode: "exact" is no mode; want usage, escrow or auto`)
	d, err := daemon.New(daemon.Options{Config: path, SyncMode: "auto", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, nil) }()
	defer func() { stop(); require.NoError(t, <-done) }()
	servertest.Until(t, "usage is shared", func() bool {
		for _, a := range d.Syncer.AppendAccounts(nil) {
			if a.Mode == syncer.Usage && a.Configured == syncer.Auto && a.Reason == "the store has no epochs, as with LiteLLM's keys" {
				return true
			}
		}
		return false
	})
}
