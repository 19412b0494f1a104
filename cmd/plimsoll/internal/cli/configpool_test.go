package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
)

const ownConfig = `
deployments:
  - {id: small, group: chat, rpm: 600, tpm: 100000}
  - {id: large, group: chat, rpm: 3000, tpm: 450000}
  - {id: plain, group: chat}
  - {id: idle, group: chat, tpm: 100, disabled: true}
  - {id: other, group: code, rpm: 600}
  - {id: asleep, group: night, tpm: 100, disabled: true}
aliases: {fast: quick, quick: chat}
`

const liteLLMConfig = `
model_list:
  - model_name: chat
    litellm_params: {model: azure/east, api_key: sk-secret, rpm: 600, tpm: 100000}
    model_info: {id: east}
  - model_name: chat
    litellm_params: {model: azure/west, api_key: sk-secret, rpm: 0, tpm: 100000}
    model_info: {id: west}
router_settings: {routing_strategy: usage-based-routing-v2}
`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestReplayConfig(t *testing.T) {
	path := writeConfig(t, ownConfig)
	for _, group := range []string{"chat", "fast"} {
		got := plimsoll(t.Context(), "replay", "--config", path, "--group", group, "--trace", smallTrace(t))
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, ", load 0.95, config "+path+", group chat, profile plain, strategy least-utilized, seed 1\n")
		require.Regexp(t, `(?m)^small .* 600 .* 100,000 `, got.stdout)
		require.Regexp(t, `(?m)^plain .* - .* - `, got.stdout)
		require.NotContains(t, got.stdout, "\nidle ")
		require.NotContains(t, got.stdout, "\nother ")
	}
}

// The file's strategy holds unless a flag names another.
func TestReplayLiteLLMConfig(t *testing.T) {
	path := writeConfig(t, liteLLMConfig)
	for want, args := range map[string][]string{
		"strategy lowest-tpm": nil,
		"strategy weighted":   {"--strategy", "weighted"},
		"policy litellm":      {"--policy", "litellm"},
	} {
		args = append([]string{"replay", "--config", path, "--trace", smallTrace(t)}, args...)
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, "group chat, profile plain, "+want+", seed 1\n")
		require.Regexp(t, `(?m)^west +0 +0 .* 0 .* 100,000 `, got.stdout)
		require.NotContains(t, got.stdout+got.stderr, "sk-secret")
	}

	got := plimsoll(t.Context(), "replay", "--config", path, "--trace", smallTrace(t), "--compare", "--json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var comparison struct {
		Policies []struct {
			Offered     int64
			QuotaTokens int64 `json:"quota_tokens"`
			Deployments []struct {
				ID       string
				RPMLimit int64 `json:"rpm_limit"`
				Served   int64
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &comparison))
	for _, p := range comparison.Policies {
		require.Len(t, p.Deployments, 2)
		require.Equal(t, "west", p.Deployments[1].ID)
		require.Equal(t, int64(-1), p.Deployments[1].RPMLimit)
		require.Zero(t, p.Deployments[1].Served)
		require.Positive(t, p.Deployments[0].Served)
	}
}

// The engine counts by the profiles of the file, or of the flag, and the output
// says which; the others decide as they always do.
func TestReplayProfiles(t *testing.T) {
	path := writeConfig(t, `
deployments:
  - {id: a, group: chat, model: azure/gpt-4o, rpm: 600, tpm: 100000}
  - {id: b, group: chat, model: azure/gpt-4o, rpm: 600, tpm: 100000}
  - {id: c, group: chat, model: openai/gpt-4o, rpm: 600, tpm: 100000, profile: {preset: openai, admit: input}}
  - {id: d, group: other, model: openai/gpt-4o, tpm: 100000}
`)
	results := map[string]string{}
	for want, args := range map[string][]string{
		"profiles plain (2), openai, changed (1)": nil,
		"profiles azure (2), openai, changed (1)": {"--profiles", "auto"},
	} {
		got := plimsoll(t.Context(), append([]string{"replay", "--config", path, "--group", "chat", "--trace", smallTrace(t)}, args...)...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		head, table, _ := strings.Cut(got.stdout, "\n")
		require.Contains(t, head, "group chat, "+want+", strategy least-utilized")
		results[want] = table
	}
	require.NotEqual(t, results["profiles plain (2), openai, changed (1)"], results["profiles azure (2), openai, changed (1)"])
}

func TestReplayConfigErrors(t *testing.T) {
	own := writeConfig(t, ownConfig)
	const more = "Run 'plimsoll replay --help' for usage.\n"
	var many strings.Builder
	many.WriteString("deployments:\n")
	for i := range 25 {
		fmt.Fprintf(&many, "  - {id: d%d, group: g%02d, tpm: 1}\n", i, i)
	}
	broken := writeConfig(t, "deployments: [{id: a}]")
	absent := filepath.Join(t.TempDir(), "absent.yaml")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no such group", []string{"--config", own, "--group", "chatt"}, cli.ExitUsage, own + ": there is no group \"chatt\"; use one of: chat, code, night\n" + more},
		{"not all are named", []string{"--config", writeConfig(t, many.String()), "--group", "x"}, cli.ExitUsage, "g18, g19 and 5 more\n" + more},
		{"empty group", []string{"--config", own, "--group", ""}, cli.ExitUsage, "want the name of a group; leave --group out where there is only one\n" + more},
		{"empty file name", []string{"--config", ""}, cli.ExitUsage, "want the name of a file; leave --config out for a built-in pool\n" + more},
		{"group of no file", []string{"--group", "chat"}, cli.ExitUsage, "replay: --group applies to a configuration only; give one by --config FILE\n" + more},
		{"profiles of no file", []string{"--profiles", "auto"}, cli.ExitUsage, "replay: --profiles applies to a configuration only; give one by --config FILE\n" + more},
		{"profiles", []string{"--config", own, "--profiles", "yes"}, cli.ExitUsage, "replay: invalid value \"yes\" for flag --profiles: want auto or plain\n" + more},
		{"two pools", []string{"--config", own, "--pool", "standard"}, cli.ExitUsage, "replay: --config and --pool both say what to send calls to; leave one out\n" + more},
		{"disabled", []string{"--config", own, "--group", "night"}, cli.ExitFailure, own + ": group night: every deployment is disabled\n"},
		{"a mistake", []string{"--config", broken}, cli.ExitFailure, "plimsoll: replay: cannot use " + broken + ":\n" + broken + ":1: deployments[0].group: "},
		{"absent", []string{"--config", absent}, cli.ExitFailure, "plimsoll: replay: cannot use " + absent + ":\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plimsoll(t.Context(), append([]string{"replay"}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, tt.want)
		})
	}
}

// Without --group every group has a table, and all of them another; what load is a
// share of is said where limits on tokens do not say it.
func TestReplayEveryGroup(t *testing.T) {
	path := writeConfig(t, `
deployments:
  - {id: a, group: chat, model: azure/gpt-4o, rpm: 600, tpm: 100000}
  - {id: b, group: code, model: openai/gpt-4o, rpm: 30}
  - {id: c, group: free, model: openai/gpt-4o}
  - {id: d, group: embed, model: openai/text-embedding-3-small, tpm: 50000}
  - {id: e, group: idle, tpm: 50000, disabled: true}
  - {id: f, group: zero, tpm: 0}
`)
	got := plimsoll(t.Context(), "replay", "--config", path, "--compare")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	for _, want := range []string{
		"load 0.95, config " + path + ", 6 groups, strategy least-utilized, seed 1\n\nGroup chat, 1 deployment\n\npolicy ",
		"\nGroup code, 1 deployment\n1 deployment without a limit on tokens: load is a share of RPM\n\n",
		"\nGroup free, 1 deployment\n1 deployment without limits per minute: taken to serve 60 calls a minute\n\n",
		"\nGroup idle, 0 deployments\nevery deployment is disabled\n\n",
		"\nGroup zero, 1 deployment\nevery deployment is blocked: a limit of 0 lets nothing through\n\n",
		"\nAll groups\n\npolicy ",
	} {
		require.Contains(t, got.stdout, want)
	}
	require.Equal(t, 5, strings.Count(got.stdout, "least-in-flight"))
	require.Equal(t, 1, strings.Count(got.stdout, "Jain's index"), "one legend")

	got = plimsoll(t.Context(), "replay", "--config", path, "--json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var all struct {
		Groups []struct {
			Group   string
			Skipped string
			Result  *replay.Report
		}
		Sum replay.Report
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &all))
	require.Len(t, all.Groups, 6)
	var sum replay.Report
	for _, g := range all.Groups {
		if g.Result == nil {
			require.NotEmpty(t, g.Skipped)
			continue
		}
		require.GreaterOrEqual(t, g.Result.Offered, int64(replay.FewestCalls), g.Group)
		sum.Offered += g.Result.Offered
		sum.Served += g.Result.Served
		sum.TokensServed += g.Result.TokensServed
	}
	require.Equal(t, sum.Offered, all.Sum.Offered)
	require.Equal(t, sum.Served, all.Sum.Served)
	require.Equal(t, sum.TokensServed, all.Sum.TokensServed)
	require.Positive(t, all.Groups[3].Result.Served)
}

func TestReplayConfigMentionsWarnings(t *testing.T) {
	path := writeConfig(t, strings.Replace(ownConfig, "group: chat, rpm: 600", "group: chat, colour: red, rpm: 600", 1))
	got := plimsoll(t.Context(), "replay", "--config", path, "--group", "chat", "--trace", smallTrace(t))
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Equal(t, "plimsoll: replay: "+path+" has warnings (1); 'plimsoll check "+path+"' shows them\n", got.stderr)
}
