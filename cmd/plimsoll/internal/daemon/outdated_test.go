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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// TestOutdatedNodes: while nodes of the key format before use the same store, a daemon
// warns, is not ready, and holds its share of each limit among all of them; it is ready
// when they have gone.
func TestOutdatedNodes(t *testing.T) {
	const old = "plimsoll1:{default.0}:n"
	srv := servertest.Start(t)
	srv.Do(t, "ZADD", old, "9000000000", "old-1", "9000000000", "old-2", "9000000000", "old-3")
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("model_list: [{model_name: chat, litellm_params: {model: openai/m, api_key: k, rpm: 600}}]\n"), 0o600))
	log := &logged{}
	d, err := daemon.New(daemon.Options{Config: path, Sync: "valkey://" + srv.Addr(), Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, nil) }()
	defer func() { stop(); require.NoError(t, <-done) }()
	mux := http.NewServeMux()
	d.Register(mux)
	guard := server.NewGuard(mux, d.Tokens, slog.New(slog.DiscardHandler), daemon.OpenPaths()...)
	ready := func() (int, any) {
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/readyz", nil))
		var got struct{ Store struct{ State string } }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return w.Code, got.Store.State
	}
	servertest.Until(t, "the old nodes are found", func() bool { _, state := ready(); return state == "outdated" })
	status, _ := ready()
	require.Equal(t, http.StatusServiceUnavailable, status)
	w := httptest.NewRecorder()
	guard.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/readyz", nil))
	require.Contains(t, w.Body.String(), `"outdated_nodes":3,"problem":"nodes of an older version use the same store by other keys"`)
	require.Contains(t, log.String(), "nodes of an older version use the same store by other keys: deciding by policy until they have gone")

	group, err := d.Engine.Group("chat")
	require.NoError(t, err)
	minute, admitted := d.Clock.Read()/int64(time.Minute), 0
	use := func() {
		for {
			lease, ok := group.TryAcquire(engine.Demand{})
			if !ok {
				return
			}
			lease.SettleReserved()
			admitted++
		}
	}
	servertest.Until(t, "its share is admitted", func() bool { use(); return admitted >= 150 })
	use()
	_, err = group.Acquire(engine.Demand{})
	if d.Clock.Read()/int64(time.Minute) == minute {
		require.Equal(t, 150, admitted, "one part of four")
		require.ErrorContains(t, err, "share")
	}

	srv.Do(t, "ZREM", old, "old-1", "old-2", "old-3")
	servertest.Until(t, "it is ready", func() bool { status, state := ready(); return status == 200 && state == "connected" })
	require.Contains(t, log.String(), "nodes of an older version have gone")
}

// TestRefusedPassword: a daemon whose password the store refuses says so, and which one it is,
// to those who may read metrics, and never the password.
func TestRefusedPassword(t *testing.T) {
	srv := servertest.Start(t, "--requirepass", "right")
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("model_list: [{model_name: chat, litellm_params: {model: openai/m, api_key: k, rpm: 600}}]\n"), 0o600))
	d, err := daemon.New(daemon.Options{Config: path, Sync: "valkey://gw:hunter2@" + srv.Addr(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, nil) }()
	defer func() { stop(); require.ErrorContains(t, <-done, "WRONGPASS") }()
	mux := http.NewServeMux()
	d.Register(mux)
	guard := server.NewGuard(mux, d.Tokens, slog.New(slog.DiscardHandler), daemon.OpenPaths()...)
	var body string
	servertest.Until(t, "the refusal is reported", func() bool {
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/readyz", nil))
		body = w.Body.String()
		return strings.Contains(body, "WRONGPASS")
	})
	require.Contains(t, body, `correct user \"gw\" or the password in the address`)
	require.NotContains(t, body, "hunter2")
}
