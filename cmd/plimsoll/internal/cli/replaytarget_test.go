package cli_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

func TestReplayTarget(t *testing.T) {
	s := serve(t)
	got := plimsoll(t.Context(), "replay", "--target", s.url, "--for", "1s", "--speed", "20", "--load", "2", "--json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var r struct {
		Offered, Served, Refused, Failed, Tokens int64
		Interrupted                              bool
		Deployments                              []struct{ Served, Tokens int64 }
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r))
	require.Greater(t, r.Served, int64(100))
	require.Equal(t, r.Offered, r.Served+r.Refused)
	require.False(t, r.Interrupted)
	var served, tokens int64
	for _, d := range r.Deployments {
		served, tokens = served+d.Served, tokens+d.Tokens
	}
	require.Equal(t, []int64{r.Served, r.Tokens}, []int64{served, tokens})

	_, got2 := s.ask(t, "/v1/deployments", "")
	for _, d := range got2["deployments"].([]any) {
		require.Zero(t, d.(map[string]any)["in_flight"], "no lease is left behind")
	}

	table := plimsoll(t.Context(), "replay", "--target="+s.url, "--for", "1s", "--group", "claude-sonnet")
	require.Equal(t, cli.ExitOK, table.code, table.stderr)
	require.Contains(t, table.stdout, "acquire took")
}

// An interrupted run has a result, and leaves no lease behind.
func TestReplayTargetInterrupted(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan result, 1)
	go func() { done <- plimsoll(ctx, "replay", "--target", s.url, "--for", "1h", "--speed", "0.5", "--json") }()
	held := func() (n float64) {
		_, got := s.ask(t, "/v1/deployments", "")
		for _, d := range got["deployments"].([]any) {
			n += d.(map[string]any)["in_flight"].(float64)
		}
		return n
	}
	servertest.Until(t, "calls are under way", func() bool { return held() > 0 })
	cancel()
	got := <-done
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, `"interrupted":true`)
	require.Zero(t, held())
}

func TestReplayTargetErrors(t *testing.T) {
	s := serve(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"address", []string{"--target", "ftp://u:hunter2@h"}, cli.ExitUsage, "--target: want the address of a daemon"},
		{"password", []string{"--target", "http://u:hunter2@h"}, cli.ExitUsage, "--target: want the address of a daemon"},
		{"other flags", []string{"--target", s.url, "--compare"}, cli.ExitUsage, "with --target: unknown flag --compare; use one of --for, --group"},
		{"speed", []string{"--target", s.url, "--speed", "0"}, cli.ExitUsage, "want a number from 0.01 to 1000"},
		{"group", []string{"--target", s.url, "--group", "none"}, cli.ExitUsage, "the daemon has no group \"none\"; use one of: claude-sonnet, gpt-4o"},
		{"no daemon", []string{"--target", "http://127.0.0.1:1"}, cli.ExitFailure, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plimsoll(t.Context(), append([]string{"replay"}, tt.args...)...)
			require.Equal(t, tt.code, got.code)
			require.Contains(t, got.stderr, tt.want)
			require.NotContains(t, got.stderr, "hunter2")
		})
	}
}
