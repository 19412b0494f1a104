package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// A scenario that is interrupted in its first minute has no result, and no table of zeros. A
// server that does not answer is named once for each rule.
func TestScenarioInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	got := plimsoll(ctx, "replay", "--scenario", "steady", "--nodes", "2", "--sync", "valkey://127.0.0.1:1", "--for", "1m")
	require.Equal(t, cli.ExitFailure, got.code)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, "interrupted before the first whole minute was over, so there is no result")
	for _, rule := range []string{"plimsoll, usage", "plimsoll, escrow", "litellm"} {
		require.LessOrEqual(t, strings.Count(got.stderr, "the nodes of policy "+rule+" go on without it"), 1)
	}
}

// TestReplayFlagsStay: every flag that plimsoll replay has ever had still works, with each value
// that it took before plimsoll lab came, with one dash or two. Those of a server or a daemon are
// known, and their errors say what is missing.
func TestReplayFlagsStay(t *testing.T) {
	dir := t.TempDir()
	trace, pool := filepath.Join(dir, "trace.csv"), filepath.Join(dir, "pool.yaml")
	calls := "arrival_ms,input_tokens,output_tokens\n0,100,10\n500,200,20\n60000,100,10\n"
	require.NoError(t, os.WriteFile(trace, []byte(calls), 0o600))
	require.NoError(t, os.WriteFile(pool, []byte("deployments:\n- {id: a, group: chat, provider: openai, rpm: 100, tpm: 100000}\n- {id: b, group: other, rpm: 100, tpm: 100000}\n"), 0o600))
	works := [][]string{
		{"trace", trace, "json", ""},
		{"trace", trace, "compare", ""},
		{"trace", trace, "config", pool, "group", "chat", "profiles", "auto"},
		{"trace", trace, "config", pool, "profiles", "plain"},
		{"trace", trace, "load", "0.5", "seed", "7", "strategy", "lowest-tpm"},
		{"trace", trace, "nodes", "2", "sync", "mem", "interval", "100ms"},
	}
	for _, name := range []string{"standard", "rpm-bound"} {
		works = append(works, []string{"trace", trace, "pool", name})
	}
	for _, name := range []string{"fixed", "fixed-unknown", "bucket", "azure10", "azure1", "sliding", "softcap"} {
		works = append(works, []string{"trace", trace, "rule", name})
	}
	for _, name := range []string{"engine", "litellm", "litellm+cooldown", "round-robin", "random", "least-in-flight"} {
		works = append(works, []string{"trace", trace, "policy", name})
	}
	works = append(works, []string{"trace", trace, "rule", "bucket", "policy", "clairvoyant"})
	for i, list := range works {
		args := []string{"replay"}
		for k := 0; k < len(list); k += 2 {
			args = append(args, "--"[i%2:]+list[k])
			if list[k+1] != "" {
				args = append(args, list[k+1])
			}
		}
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code, "%v: %s", args, got.stderr)
		require.NotEmpty(t, got.stdout, args)
	}
	for want, args := range map[string][]string{
		"give a server by --sync URL":                       {"--for", "10s"},
		"--speed applies to a replay against a daemon only": {"--speed", "2"},
		"with --target: unknown flag --compare":             {"--target", "http://127.0.0.1:1", "--compare"},
		"--scenario is played by several nodes":             {"--scenario", "steady"},
		"--mode applies to a scenario only":                 {"--mode", "usage"},
		"--trace and --traffic both say what calls":         {"--trace", trace, "--traffic", "chat"},
		"a trace is given by --trace FILE":                  {trace},
	} {
		got := plimsoll(t.Context(), append([]string{"replay"}, args...)...)
		require.Equal(t, cli.ExitUsage, got.code, args)
		require.Contains(t, got.stderr, want)
	}
	help := strings.Join(strings.Fields(plimsoll(t.Context(), "replay", "--help").stdout), " ")
	require.Contains(t, help, "mixed (chat and code), chat, code, long (documents) or reason (long answers)")
}
