package daemon_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// TestOtherModes: a daemon beside one of another mode warns once, counts it and stays ready; beside one
// of the same mode it is silent.
func TestOtherModes(t *testing.T) {
	srv := servertest.Start(t)
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("deployments: [{id: a, group: chat, rpm: 600}]\n"), 0o600))
	start := func(mode string) (d *daemon.Daemon, log *logged, stop func()) {
		log = &logged{}
		d, err := daemon.New(daemon.Options{Config: path, Sync: "valkey://" + srv.Addr(), SyncMode: mode, Log: slog.New(slog.NewTextHandler(log, nil))})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx, nil) }()
		return d, log, func() { cancel(); require.NoError(t, <-done) }
	}
	first, log, stop := start("auto")
	defer stop()
	alike, _, stopAlike := start("auto")
	defer stopAlike()
	mux := http.NewServeMux()
	first.Register(mux)
	guard := server.NewGuard(mux, first.Tokens, slog.New(slog.DiscardHandler), daemon.OpenPaths()...)
	ready := func() (status, nodes, others int) {
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/readyz", nil))
		var got struct {
			Store struct {
				Nodes      int
				OtherModes int `json:"other_modes"`
			}
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return w.Code, got.Store.Nodes, got.Store.OtherModes
	}
	servertest.Until(t, "both are found", func() bool { status, nodes, _ := ready(); return status == 200 && nodes == 2 })
	_, _, others := ready()
	require.Zero(t, others)
	require.NotContains(t, log.String(), "another mode")

	_, theirs, stopOther := start("usage")
	servertest.Until(t, "the other mode is found", func() bool { _, _, others := ready(); return others == 1 })
	status, _, _ := ready()
	require.Equal(t, http.StatusOK, status)
	servertest.Until(t, "the node like it finds it too", func() bool { return alike.Syncer.Stats().OtherModes == 1 })
	servertest.Until(t, "it finds both", func() bool { return strings.Count(theirs.String(), "is configured for another mode") == 2 })
	require.Equal(t, 1, strings.Count(log.String(), "is configured for another mode"))
	require.Contains(t, log.String(), "mode=usage here=auto")
	stopOther()
	servertest.Until(t, "it has gone", func() bool { _, _, others := ready(); return others == 0 })
}
