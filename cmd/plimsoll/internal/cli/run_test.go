package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// result is what a run of the command left behind.
type result struct {
	code           int
	stdout, stderr string
}

func plimsoll(ctx context.Context, args ...string) result {
	return plimsollWith(ctx, nil, args...)
}

// plimsollWith is plimsoll in an environment.
func plimsollWith(ctx context.Context, env map[string]string, args ...string) result {
	var stdout, stderr strings.Builder
	code := cli.Run(ctx, args, func(name string) string { return env[name] }, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code)
		require.Contains(t, got.stdout, "Usage: plimsoll COMMAND")
		require.Contains(t, got.stdout, "replay")
		require.Empty(t, got.stderr)
	}
	for _, args := range [][]string{{"help", "replay"}, {"replay", "--help"}, {"replay", "--load", "1", "-h"}} {
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code)
		require.True(t, strings.HasPrefix(got.stdout, "Usage: plimsoll replay [flags]\n"), got.stdout)
		require.Empty(t, got.stderr)
	}
}

// Mistakes in the command line end with exit code 2, nothing on stdout, what is
// wrong, what is allowed, and where to read more.
func TestUsageErrors(t *testing.T) {
	const more = "Run 'plimsoll --help' for usage.\n"
	const moreReplay = "Run 'plimsoll replay --help' for usage.\n"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "plimsoll: no command given; use one of: serve, top, replay, lab, check, token, fake, version, man\n" + more},
		{"unknown command", []string{"reply"}, "plimsoll: unknown command \"reply\"; did you mean replay?\n" + more},
		{"nothing like it", []string{"fly"}, "plimsoll: unknown command \"fly\"; use one of: serve, top, replay, lab, check, token, fake, version, man\n" + more},
		{"one dash", []string{"replay", "-sync=valkey://:hunter2@h", "-lod", "1"}, "plimsoll: replay: unknown flag --lod; use one of --compare, --config, --for, --group, --interval, --json, --load, --mode, --nodes, --policy, --pool, --profiles, --rule, --scenario, --seed, --speed, --strategy, --sync, --target, --trace, --traffic\n" + moreReplay},
		{"flag after an argument", []string{"replay", "x.csv", "--load", "95%"}, "plimsoll: replay: invalid value \"95%\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"speed of nothing", []string{"replay", "--speed", "2"}, "plimsoll: replay: --speed applies to a replay against a daemon only; give one by --target URL\n" + moreReplay},
		{"unknown flag", []string{"replay", "--lod", "1"}, "plimsoll: replay: unknown flag --lod; use one of --compare, --config, --for, --group, --interval, --json, --load, --mode, --nodes, --policy, --pool, --profiles, --rule, --scenario, --seed, --speed, --strategy, --sync, --target, --trace, --traffic\n" + moreReplay},
		{"no value", []string{"replay", "--trace"}, "plimsoll: replay: flag needs an argument: --trace\n" + moreReplay},
		{"a flag of a command without any", []string{"version", "--json"}, "plimsoll: version: unknown flag --json; there are none\nRun 'plimsoll version --help' for usage.\n"},
		{"no shell", []string{"completion"}, "plimsoll: completion: want the name of a shell: bash, zsh, fish, powershell\nRun 'plimsoll completion --help' for usage.\n"},
		{"another shell", []string{"completion", "csh"}, "plimsoll: completion: want the name of a shell: bash, zsh, fish, powershell\nRun 'plimsoll completion --help' for usage.\n"},
		{"a shell's argument", []string{"completion", "bash", "x"}, "plimsoll: completion bash: unexpected argument \"x\"\nRun 'plimsoll completion bash --help' for usage.\n"},
		{"lab's world", []string{"lab", "--world", "mars"}, "plimsoll: lab: invalid value \"mars\" for flag --world: " + unknownWorld(t) + "\nRun 'plimsoll lab --help' for usage.\n"},
		{"lab's traffic", []string{"lab", "--quick", "--traffic", "boats"}, "plimsoll: lab: --traffic: there is no traffic \"boats\"; use one of chat, code, long, reason, crowd, agents\nRun 'plimsoll lab --help' for usage.\n"},
		{"lab's seeds", []string{"lab", "--seeds", "0"}, "plimsoll: lab: invalid value \"0\" for flag --seeds: want a whole number from 1 to 100\nRun 'plimsoll lab --help' for usage.\n"},
		{"a flag without a command", []string{"--foo"}, "plimsoll: unknown flag --foo; flags are a command's\nRun 'plimsoll --help' for usage.\n"},
		{"a flag of a command below another", []string{"token", "list", "--foo"}, "plimsoll: token list: unknown flag --foo; use one of --tokens\nRun 'plimsoll token list --help' for usage.\n"},
		{"lab's argument", []string{"lab", "x.csv"}, "plimsoll: lab: unexpected argument \"x.csv\"; traffic is given by --traces FOLDER\nRun 'plimsoll lab --help' for usage.\n"},
		{"empty name", []string{"replay", "--trace", ""}, "plimsoll: replay: invalid value \"\" for flag --trace: want the name of a file; leave --trace out for generated traffic\n" + moreReplay},
		{"json", []string{"replay", "--json=maybe"}, "plimsoll: replay: invalid value \"maybe\" for flag --json: want true or false\n" + moreReplay},
		{"unknown command's help", []string{"help", "reply"}, "plimsoll: unknown command \"reply\"; did you mean replay?\n" + more},
		{"argument", []string{"replay", "x.csv"}, "plimsoll: replay: unexpected argument \"x.csv\"; a trace is given by --trace FILE\n" + moreReplay},
		{"pool", []string{"replay", "--pool", "big"}, "plimsoll: replay: invalid value \"big\" for flag --pool: unknown pool \"big\"; use one of standard, rpm-bound\n" + moreReplay},
		{"strategy", []string{"replay", "--strategy", "best"}, "plimsoll: replay: invalid value \"best\" for flag --strategy: engine: unknown strategy \"best\"; use least-utilized, lowest-tpm, power-of-two, weighted or least-busy\n" + moreReplay},
		{"policy", []string{"replay", "--policy", "best"}, "plimsoll: replay: invalid value \"best\" for flag --policy: unknown policy \"best\"; use one of engine, litellm, litellm+cooldown, round-robin, random, least-in-flight\n" + moreReplay},
		{"empty policy", []string{"replay", "--policy", ""}, "plimsoll: replay: invalid value \"\" for flag --policy: unknown policy \"\"; use one of engine, litellm, litellm+cooldown, round-robin, random, least-in-flight\n" + moreReplay},
		{"compare", []string{"replay", "--compare=maybe"}, "plimsoll: replay: invalid value \"maybe\" for flag --compare: want true or false\n" + moreReplay},
		{"policy and compare", []string{"replay", "--compare", "--policy", "engine"}, "plimsoll: replay: --compare runs every policy; leave --policy out\n" + moreReplay},
		{"strategy of a policy without", []string{"replay", "--policy", "random", "--strategy", "weighted"}, "plimsoll: replay: --strategy is the engine's; leave it out with --policy random\n" + moreReplay},
		{"load 0", []string{"replay", "--load", "0"}, "plimsoll: replay: invalid value \"0\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"load negative", []string{"replay", "--load=-1"}, "plimsoll: replay: invalid value \"-1\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"load NaN", []string{"replay", "--load", "NaN"}, "plimsoll: replay: invalid value \"NaN\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"load absurd", []string{"replay", "--load", "1e300"}, "plimsoll: replay: invalid value \"1e300\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"load percent", []string{"replay", "--load", "95%"}, "plimsoll: replay: invalid value \"95%\" for flag --load: want a number from 0.001 to 1000\n" + moreReplay},
		{"nodes", []string{"replay", "--nodes", "0"}, "plimsoll: replay: invalid value \"0\" for flag --nodes: want a whole number from 1 to 1000\n" + moreReplay},
		{"sync", []string{"replay", "--nodes", "2", "--sync", "x"}, "plimsoll: replay: --sync names no store; use mem, or the address of a server such as valkey://127.0.0.1:6379\n" + moreReplay},
		{"sync empty", []string{"replay", "--nodes", "2", "--sync", ""}, "plimsoll: replay: --sync names no store; use mem, or the address of a server such as valkey://127.0.0.1:6379\n" + moreReplay},
		{"server's address", []string{"replay", "--nodes", "2", "--sync", "http://:hunter2@h"}, "plimsoll: replay: --sync: valkeystore: address: begin it with valkey://, valkeys:// (TLS), redis:// or rediss:// (TLS)\n" + moreReplay},
		{"password not escaped", []string{"replay", "--nodes", "2", "--sync", "valkey://:hun/ter2@h"}, "plimsoll: replay: --sync: valkeystore: address: not a URL such as valkey://host:6379 (a password must be escaped)\n" + moreReplay},
		{"server as an argument", []string{"replay", "--nodes", "2", "valkey://:hunter2@h"}, "plimsoll: replay: unexpected argument; a server is given by --sync URL\n" + moreReplay},
		{"one node's server", []string{"replay", "--sync", "valkey://h"}, "plimsoll: replay: --sync and --interval apply to several nodes only; give their number by --nodes N\n" + moreReplay},
		{"scenario", []string{"replay", "--scenario", "flood"}, "plimsoll: replay: invalid value \"flood\" for flag --scenario: want steady, burst, skew, moving, outage\n" + moreReplay},
		{"scenario without a server", []string{"replay", "--scenario", "burst"}, "plimsoll: replay: --scenario is played by several nodes that share a server; give their number by --nodes N and the server by --sync URL\n" + moreReplay},
		{"scenario with a trace", []string{"replay", "--scenario", "burst", "--nodes", "2", "--sync", "valkey://h", "--trace", "x"}, "plimsoll: replay: --scenario has calls, limits and rules of its own; with it leave --trace, --traffic, --config, --pool, --policy, --strategy and --compare out\n" + moreReplay},
		{"scenario for half a minute", []string{"replay", "--scenario", "burst", "--nodes", "2", "--sync", "valkey://h", "--for", "30s"}, "plimsoll: replay: --scenario plays whole minutes; give them by --for, such as 2m\n" + moreReplay},
		{"mode", []string{"replay", "--mode", "exact"}, "plimsoll: replay: invalid value \"exact\" for flag --mode: \"exact\" is no mode; want usage, escrow or auto\n" + moreReplay},
		{"mode without a scenario", []string{"replay", "--mode", "escrow"}, "plimsoll: replay: --mode applies to a scenario only; give one by --scenario NAME\n" + moreReplay},
		{"rule", []string{"replay", "--rule", "tight"}, "plimsoll: replay: invalid value \"tight\" for flag --rule: unknown rule \"tight\"; use one of fixed, fixed-unknown, bucket, azure10, azure1, sliding, softcap\n" + moreReplay},
		{"rule of a real server", []string{"replay", "--nodes", "2", "--sync", "valkey://h", "--rule", "fixed"}, "plimsoll: replay: --rule applies to simulated providers only; with --sync URL they take every call\n" + moreReplay},
		{"traffic", []string{"replay", "--traffic", "x"}, "plimsoll: replay: invalid value \"x\" for flag --traffic: want mixed, chat, code, long or reason\n" + moreReplay},
		{"traffic and trace", []string{"replay", "--traffic", "code", "--trace", "x"}, "plimsoll: replay: --trace and --traffic both say what calls there are; leave one out\n" + moreReplay},
		{"clairvoyant of no rule", []string{"replay", "--policy", "clairvoyant"}, "plimsoll: replay: --policy clairvoyant foresees what providers refuse; say by which rule they do, by --rule NAME\n" + moreReplay},
		{"clairvoyant of no refusals", []string{"replay", "--policy", "clairvoyant", "--rule", "softcap"}, "plimsoll: replay: --policy clairvoyant foresees what providers refuse; say by which rule they do, by --rule NAME\n" + moreReplay},
		{"clairvoyant nodes", []string{"replay", "--policy", "clairvoyant", "--rule", "fixed", "--nodes", "2"}, "plimsoll: replay: policy clairvoyant is one of its own; leave --nodes out\n" + moreReplay},
		{"for nothing", []string{"replay", "--nodes", "2", "--for", "3m"}, "plimsoll: replay: --for applies to a replay in real time only; give a server by --sync URL\n" + moreReplay},
		{"for too long", []string{"replay", "--nodes", "2", "--sync", "valkey://h", "--for", "25h"}, "plimsoll: replay: invalid value \"25h\" for flag --for: want a time from 1s to 24h0m0s\n" + moreReplay},
		{"interval", []string{"replay", "--nodes", "2", "--interval", "5s"}, "plimsoll: replay: invalid value \"5s\" for flag --interval: want a time from 10ms to 1s\n" + moreReplay},
		{"one node's store", []string{"replay", "--sync", "mem"}, "plimsoll: replay: --sync and --interval apply to several nodes only; give their number by --nodes N\n" + moreReplay},
		{"policy of one node", []string{"replay", "--nodes", "2", "--policy", "random"}, "plimsoll: replay: policy random shares nothing between nodes; with --nodes use one of engine, litellm\n" + moreReplay},
		{"seed", []string{"replay", "--seed", "-1"}, "plimsoll: replay: invalid value \"-1\" for flag --seed: want a whole number from 0 to 18446744073709551615\n" + moreReplay},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, result{cli.ExitUsage, "", tt.want}, plimsoll(t.Context(), tt.args...))
		})
	}
}

// What cannot be done ends with exit code 1 and nothing on stdout.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for _, tt := range []struct{ name, path, want string }{
		{"absent", filepath.Join(dir, "absent.csv"), "absent.csv"},
		{"empty", file("empty.csv", ""), "the file is empty"},
		{"wrong header", file("header.csv", "a,b,c\n1,2,3\n"), "header.csv:1: header is"},
		{"bad number", file("number.csv", trace.Header+"\n0,1,1\n5,-3,1\n"), "number.csv:3: input_tokens is \"-3\""},
		{"no tokens", file("zero.csv", trace.Header+"\n0,0,0\n5,0,0\n"), "the trace has no tokens"},
		{"years", file("years.csv", trace.Header+"\n0,1000000000,1000000000\n5,1,1\n"), "the trace would last 1068 days"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plimsoll(t.Context(), "replay", "--load", "0.001", "--trace", tt.path)
			require.Equal(t, cli.ExitFailure, got.code)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, tt.want)
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, result{cli.ExitFailure, "", "plimsoll: interrupted; no result\n"}, plimsoll(ctx, "replay"))
}

func TestReplayTable(t *testing.T) {
	got := plimsoll(t.Context(), "replay")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "Generated chat and code traffic, load 0.95, pool standard, strategy least-utilized, seed 1\n")
	require.Contains(t, got.stdout, "dep-300k")
	require.Contains(t, got.stdout, "provider 429s")
	require.Empty(t, got.stderr)
}

func TestReplayJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	require.NoError(t, os.WriteFile(path, []byte(trace.Header+"\n0,1000,10\n200,300,20\n"), 0o600))
	got := plimsoll(t.Context(), "replay", "--trace", path, "--json", "--pool", "rpm-bound", "--load", "0.5", "--seed", "3", "--strategy", "weighted")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Empty(t, got.stderr)

	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
	require.ElementsMatch(t, []string{
		"policy", "offered", "served", "refused_local", "refused_provider", "provider_429", "tokens_served",
		"tokens_offered", "quota_tokens", "overrun_tokens", "fairness", "wall_ms", "decisions_per_s", "deployments",
	}, keys(report))
	require.Equal(t, "engine", report["policy"])
	require.EqualValues(t, 2, report["served"])
	require.EqualValues(t, 1330, report["tokens_served"])
	require.EqualValues(t, 1_300_000, report["quota_tokens"])

	deployments := report["deployments"].([]any)
	require.Len(t, deployments, 10)
	require.ElementsMatch(t, []string{
		"id", "rpm_limit", "tpm_limit", "served", "tokens", "peak_rpm", "peak_reserved_tpm", "peak_ended_tpm",
	}, keys(deployments[0].(map[string]any)))
}

func TestReplayPolicy(t *testing.T) {
	got := plimsoll(t.Context(), "replay", "--policy", "litellm+cooldown")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "load 0.95, pool standard, policy litellm+cooldown, seed 1\n")
	require.Equal(t, replayed(t, 2), replayed(t, 2, "--policy", "engine"))
}

// The table of a comparison holds nothing that varies.
func TestReplayCompare(t *testing.T) {
	path := smallTrace(t)
	got := plimsoll(t.Context(), "replay", "--compare", "--strategy", "power-of-two", "--trace", path)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Empty(t, got.stderr)
	require.Contains(t, got.stdout, "Trace "+path+", load 0.95, pool standard, strategy power-of-two, seed 1\n\npolicy ")
	for _, name := range replay.PolicyNames() {
		require.Contains(t, got.stdout, "\n"+name+" ")
	}
	require.Equal(t, got, plimsoll(t.Context(), "replay", "--compare", "--strategy", "power-of-two", "--trace", path))
}

func TestReplayCompareJSON(t *testing.T) {
	var comparison struct{ Policies []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(replayed(t, 2*len(replay.PolicyNames()), "--compare", "--trace", smallTrace(t))), &comparison))
	var names []string
	for _, p := range comparison.Policies {
		names = append(names, p["policy"].(string))
		require.Subset(t, keys(p), []string{"offered", "fairness", "overrun_tokens", "deployments"})
		require.ElementsMatch(t, []string{"served", "refused", "tokens_served", "overrun_tokens"}, keys(p["soft_cap"].(map[string]any)))
		require.Len(t, p["deployments"], 10)
	}
	require.Equal(t, replay.PolicyNames(), names)
}

func TestReplayNodes(t *testing.T) {
	path := smallTrace(t)
	args := []string{"--nodes", "3", "--sync", "mem", "--interval", "50ms", "--trace", path}
	if heavier == 1 { // under the race detector the same nodes run once
		require.Equal(t, replayed(t, 2, args...), replayed(t, 2, args...))
		require.Equal(t, replayed(t, 2, "--trace", path), replayed(t, 2, "--nodes", "1", "--trace", path))
	}
	got := plimsoll(t.Context(), append([]string{"replay"}, args...)...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "strategy least-utilized, 3 nodes in step every 50ms, seed 1\n")
	require.Contains(t, got.stdout, "bound  admitted\n")

	var comparison struct{ Policies []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(replayed(t, 4, append(args, "--compare")...)), &comparison))
	require.Len(t, comparison.Policies, 2)
	for i, p := range comparison.Policies {
		require.Equal(t, replay.NodePolicyNames()[i], p["policy"])
		cluster := p["cluster"].(map[string]any)
		require.ElementsMatch(t, []string{"nodes", "interval_ms", "refused_with_room", "offered", "limits"}, keys(cluster))
		require.ElementsMatch(t, []string{
			"deployment", "kind", "limit", "over_mean", "over_max", "bound", "full_minutes", "admitted",
		}, keys(cluster["limits"].([]any)[0].(map[string]any)))
	}
}

// Nodes share a real server in real time; what its address holds is not shown.
func TestReplayLive(t *testing.T) {
	server := servertest.Start(t, "--requirepass", "hunter2")
	args := []string{
		"replay", "--nodes", "3", "--for", "1s", "--load", "2", "--compare",
		"--sync", "valkey://:hunter2@" + server.Addr(),
	}
	got := plimsoll(t.Context(), args...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.True(t, strings.HasPrefix(got.stderr, "plimsoll: replay: 3 nodes for each policy share a server for 1s; interrupt it for the result so far\n"), got.stderr)
	require.NotContains(t, got.stderr, "hunter2")
	require.Contains(t, got.stdout, "strategy least-utilized, 3 nodes in step every 100ms by a server, seed 1\n")
	require.Contains(t, got.stdout, "bound  within")
	require.NotContains(t, got.stdout, "hunter2")

	got = plimsoll(t.Context(), append(args, "--json")...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var live struct {
		Seconds     float64
		Interrupted bool
		Policies    []map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &live))
	require.GreaterOrEqual(t, live.Seconds, 0.99)
	require.Len(t, live.Policies, 2)
	for _, p := range live.Policies {
		require.ElementsMatch(t, []string{"policy", "offered", "served", "refused", "under_way", "holds", "cluster", "sync", "lag_ms"}, keys(p))
		require.Subset(t, keys(p["sync"].(map[string]any)), []string{"exchanges", "failures", "staleness_ms", "round_trip_ms", "away_s"})
		require.Len(t, p["cluster"].(map[string]any)["limits"], 20)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got = plimsoll(ctx, args...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "interrupted")
}

// The groups of a configuration share a server side by side: a table for each, and one
// for all of them.
func TestReplayLiveGroups(t *testing.T) {
	server := servertest.Start(t)
	path := filepath.Join(t.TempDir(), "f.yaml")
	write(t, path, `deployments:
- {id: a, group: tokens, tpm: 600000}
- {id: b, group: requests, rpm: 6000}
- {id: c, group: "openai/*", model: "openai/*"}
- {id: d, group: embed, model: text-embedding-3-small, rpm: 3000, tpm: 1000000}
- {id: e, group: shut, rpm: 0}
aliases: {other: tokens}
`)
	args := []string{"replay", "--config", path, "--nodes", "2", "--for", "1s", "--load", "1.5", "--sync", server.URL()}
	got := plimsoll(t.Context(), args...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	for _, text := range []string{
		"Group tokens, 1 deployment\n", "Group requests, 1 deployment\n1 deployment without a limit on tokens: load is a share of RPM\n", "Group openai/*, 1 deployment\n1 deployment without limits per minute: taken",
		"Group embed, ", "Group shut, 1 deployment\nevery deployment is blocked", "\nAll groups\n\nRan for 1 s",
	} {
		require.Contains(t, got.stdout, text)
	}
	require.Equal(t, 1, strings.Count(got.stdout, "round trip, the longest measured"), "the legend")

	var all struct {
		Groups []struct {
			Group  string
			Result *struct {
				Policies []struct{ Offered, Served, Refused int64 }
			}
		}
		Sum struct{ Policies []struct{ Offered int64 } }
	}
	got = plimsoll(t.Context(), append(args, "--json", "--compare")...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &all), got.stdout)
	require.Len(t, all.Groups, 5)
	offered := int64(0)
	for _, g := range all.Groups {
		if g.Result != nil {
			offered += g.Result.Policies[0].Offered
		}
	}
	require.Positive(t, offered)
	require.Equal(t, offered, all.Sum.Policies[0].Offered)

	got = plimsoll(t.Context(), append(args, "--group", "other")...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, ", group tokens, ")
	got = plimsoll(t.Context(), append(args, "--nodes", "1000")...)
	require.Equal(t, cli.ExitUsage, got.code)
	require.Contains(t, got.stderr, "at most 2000 share a server at once")
}

func TestReplayRule(t *testing.T) {
	path := smallTrace(t)
	rules := []string{"fixed", "fixed-unknown", "bucket", "azure10", "azure1", "sliding", "softcap"}
	if heavier > 1 { // a replay by a rule is one goroutine's
		rules = rules[2:3]
	}
	for _, rule := range rules {
		var report map[string]any
		require.NoError(t, json.Unmarshal([]byte(replayed(t, 2, "--rule", rule, "--trace", path)), &report))
		require.Equal(t, rule, report["rule"])
		if rule == "softcap" {
			require.NotContains(t, report, "clairvoyant")
			continue
		}
		require.ElementsMatch(t, []string{"best", "tokens_served", "goodput", "fewest_refused", "avoidable"}, keys(report["clairvoyant"].(map[string]any)))

		require.NoError(t, json.Unmarshal([]byte(replayed(t, 2, "--rule", rule, "--policy", "clairvoyant", "--trace", path)), &report))
		require.Equal(t, "clairvoyant", report["policy"])
		require.Zero(t, report["provider_429"])
		require.InDelta(t, 1, report["clairvoyant"].(map[string]any)["goodput"], 0)
	}
	got := plimsoll(t.Context(), "replay", "--rule", "bucket", "--compare", "--traffic", "reason", "--trace", path)
	require.Equal(t, cli.ExitUsage, got.code)
	got = plimsoll(t.Context(), "replay", "--rule", "bucket", "--compare", "--trace", path)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "strategy least-utilized, rule bucket, seed 1\n")
	require.Contains(t, got.stdout, "\nclairvoyant ")
	require.Contains(t, got.stdout, "of best")
	if heavier > 1 {
		return
	}
	got = plimsoll(t.Context(), "replay", "--rule", "azure1", "--traffic", "long", "--nodes", "3")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "Generated traffic, long, load 0.95, pool standard, strategy least-utilized, rule azure1, 3 nodes in step every 100ms, seed 1\n")
	require.Contains(t, got.stdout, "of the best")
	require.Contains(t, got.stdout, "bound  admitted\n")
}

func TestReplayRepeats(t *testing.T) {
	require.Equal(t, replayed(t, 2), replayed(t, 2))
	path := smallTrace(t)
	for _, args := range [][]string{{"--policy", "random", "--trace", path}, {"--policy", "litellm", "--trace", path}} {
		require.Equal(t, replayed(t, 2, args...), replayed(t, 2, args...))
	}
	require.Equal(t, replayed(t, 12, "--compare", "--trace", path), replayed(t, 12, "--compare", "--trace", path))
}

// smallTrace writes a trace of a few hundred requests of many sizes.
func smallTrace(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(trace.Header + "\n")
	for i := range 500 {
		fmt.Fprintf(&text, "%d,%d,%d\n", 100*i, 7919*i%20_000, 7919*i%1000)
	}
	path := filepath.Join(t.TempDir(), "small.csv")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// replayed runs a replay and returns its JSON with zeros for the figures that
// vary, of which there are that many.
func replayed(t *testing.T, varying int, args ...string) string {
	t.Helper()
	got := plimsoll(t.Context(), append([]string{"replay", "--json", "--load", "1.2", "--seed", "5"}, args...)...)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	varies := regexp.MustCompile(`"(wall_ms|decisions_per_s)":\d+`)
	require.Len(t, varies.FindAllString(got.stdout, -1), varying)
	return varies.ReplaceAllString(got.stdout, `"$1":0`)
}

func keys(m map[string]any) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return names
}

// unknownWorld is what the lab says of the world mars.
func unknownWorld(t *testing.T) string {
	t.Helper()
	_, err := lab.WorldNamed("mars")
	require.ErrorContains(t, err, "unknown world \"mars\"; use one of fixed, fixed-phase, openai")
	return err.Error()
}
