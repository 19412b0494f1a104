package daemon_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// A configuration that turns into a pipe that nothing writes to stops neither the
// sweeps, nor the end, nor the reading of the file that takes its place.
func TestBlockingFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(daily), 0o600))
	log := &logged{}
	d, err := daemon.New(daemon.Options{Config: path, Poll: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, nil) }()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Rename(pipe, path))
	servertest.Until(t, "the log says why", func() bool { return strings.Contains(log.String(), "a pipe that nothing writes to") })
	next := filepath.Join(dir, "next")
	require.NoError(t, os.WriteFile(next, []byte(daily+"- {id: b, group: other}\n"), 0o600))
	require.NoError(t, os.Rename(next, path))
	servertest.Until(t, "the file is read", func() bool { return len(d.File().Engine.Deployments) == 2 })
	require.Equal(t, int64(1), d.Reloads().Taken)
	require.Equal(t, int64(1), d.Reloads().Refused)

	require.NoError(t, os.Remove(path))
	servertest.Until(t, "the log says that it is missing", func() bool { return strings.Contains(log.String(), "a file is missing") })
	require.True(t, d.FilesMissing())
	require.NoError(t, os.WriteFile(path, []byte(daily), 0o600))
	servertest.Until(t, "the file is read", func() bool { return len(d.File().Engine.Deployments) == 1 && !d.FilesMissing() })
	cancel()
	require.NoError(t, <-ended)
}

// A token's pattern that matches no group is refused, and the tokens before go on.
func TestTokensFitTheGroups(t *testing.T) {
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	require.NoError(t, os.WriteFile(config, []byte(daily), 0o600))
	line := "a sha256:" + strings.Repeat("ab", 32) + " scopes=decide groups="
	require.NoError(t, os.WriteFile(tokens, []byte(line+"claude*\n"), 0o600))
	_, err := daemon.New(daemon.Options{Config: config, Tokens: tokens})
	require.ErrorContains(t, err, `tokens:1: groups: "claude*" matches no group of the configuration`)
	require.NoError(t, os.WriteFile(tokens, []byte(line+"ch*\n"), 0o600))
	d, err := daemon.New(daemon.Options{Config: config, Tokens: tokens})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tokens, []byte(line+"claude*\n"), 0o600))
	d.Reload()
	require.Contains(t, d.Reloads().Problem, "matches no group")
	require.Equal(t, server.Patterns{"ch*"}, d.Tokens().All()[0].Groups)
}

// What a reload cannot do is refused, or logged, in the words of the file.
func TestReloadSaysWhatItCannotDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	put := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	put("deployments: [{id: a, group: chat, rpm: 5}]\n")
	d, err := daemon.New(daemon.Options{Config: path})
	require.NoError(t, err)
	put("deployments: [{id: a, group: chat, rpm: 5}]\nlease_ttl: 30m\n")
	d.Reload()
	require.Equal(t, path+": lease_ttl: is 30m0s, and this daemon runs with 15m0s; restart it, or write 15m0s", d.Reloads().Problem)
	put("deployments: [{id: a, group: chat, rpm: 5}]\nlease_ttl: 15m\n")
	d.Reload()
	require.Empty(t, d.Reloads().Problem)

	const list = "model_list: [{model_name: chat, litellm_params: {model: openai/x, api_key: k}}]\n"
	put(list + "general_settings: {master_key: sk-hunter2hunter2}\n")
	log := &logged{}
	none := func(string) (string, bool) { return "", false }
	d, err = daemon.New(daemon.Options{Config: path, LookupEnv: none, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	put(list)
	d.Reload()
	require.NotNil(t, d.Tokens(), "no reload opens a daemon to everyone")
	require.Contains(t, log.String(), "the configuration has no master key now: the previous one stays in force until a restart")
	put(list + "general_settings: {master_key: ''}\n")
	log = &logged{}
	d, err = daemon.New(daemon.Options{Config: path, LookupEnv: none, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	require.Nil(t, d.Tokens())
	require.NotContains(t, log.String(), "is a token with all scopes")
}

// A daemon with a store that never answers is ready after 5 s. A client without a token
// gets no details.
func TestReadiness(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(daily), 0o600))
	d, err := daemon.New(daemon.Options{Config: path, Sync: "valkey://127.0.0.1:1"})
	require.NoError(t, err)
	mux := http.NewServeMux()
	d.Register(mux)
	guard := server.NewGuard(mux, d.Tokens, slog.New(slog.DiscardHandler), daemon.OpenPaths()...)
	ask := func(host string) (int, map[string]any) {
		r := httptest.NewRequest("GET", "http://"+host+"/readyz", nil)
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, r)
		var got map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return w.Code, got
	}
	status, got := ask("127.0.0.1")
	require.Equal(t, 503, status)
	require.Equal(t, "connecting", got["store"].(map[string]any)["state"])
	d.SetStarted(time.Now().Add(-time.Minute))
	status, got = ask("127.0.0.1")
	require.Equal(t, 200, status)
	require.Equal(t, "away", got["store"].(map[string]any)["state"])
	status, got = ask("plimsoll.example")
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"ready": true}, got)
	d.Drain()
	status, got = ask("plimsoll.example")
	require.Equal(t, 503, status)
	require.Equal(t, map[string]any{"ready": false, "draining": true}, got)
}

// A change of a file that the configuration includes is read, and of one that it
// includes from then on.
func TestIncludedFilesAreWatched(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	models := func(limit string) string {
		return "model_list: [{model_name: chat, litellm_params: {model: openai/x, api_key: k, rpm: " + limit + "}}]\n"
	}
	write("config.yaml", "include: [one.yaml]\nmodel_list: []\n")
	write("one.yaml", models("1"))
	write("two.yaml", models("10"))
	d, err := daemon.New(daemon.Options{Config: filepath.Join(dir, "config.yaml"), Poll: 5 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, nil) }()
	until := func(limits ...int64) {
		t.Helper()
		servertest.Until(t, "the files are read", func() bool {
			var got []int64
			for _, dep := range d.File().Engine.Deployments {
				got = append(got, dep.Limits.RPM)
			}
			return slices.Equal(got, limits)
		})
	}
	until(1)
	write("one.yaml", models("22"))
	until(22)
	write("config.yaml", "include: [one.yaml, two.yaml]\nmodel_list: []\n")
	until(22, 10)
	write("two.yaml", models("333"))
	until(22, 333)
	write("one.yaml", "model_list: [{")
	servertest.Until(t, "the mistake is reported", func() bool { return strings.Contains(d.Reloads().Problem, "one.yaml") })
	until(22, 333)
	write("one.yaml", models("4444"))
	until(4444, 333)
	require.Empty(t, d.Reloads().Problem)
	cancel()
	require.NoError(t, <-ended)
}
