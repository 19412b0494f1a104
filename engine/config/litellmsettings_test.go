package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// The table of docs/LITELLM.md is the code's own; -update writes it.
func TestSettingsTableIsDocumented(t *testing.T) {
	const path, begin, end = "../../docs/LITELLM.md", "<!-- settings -->\n", "<!-- end of settings -->"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	table, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+config.SettingsTable()+end+after), 0o600))
		return
	}
	require.Equal(t, config.SettingsTable(), table)
}

// A setting that serve does not do is listed with its line, once for all deployments.
func TestUndone(t *testing.T) {
	f := mustParse(t, `
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: k, num_retries: 2}}
  - {model_name: b, litellm_params: {model: openai/y, api_key: k, num_retries: 3, drop_params: false}}
router_settings: {fallbacks: [{a: [b]}], retry_policy: {TimeoutErrorRetries: 2}, content_policy_fallbacks: [{a: [b]}]}
litellm_settings: {drop_params: true, callbacks: [otel]}
general_settings: {master_key: sk-12345678}
`)
	key, err := f.MasterKey.Get(nil)
	require.NoError(t, err)
	require.Equal(t, "sk-12345678", key)
	require.Equal(t, `f.yaml:3: litellm_params.num_retries: its own number of retries: here up to 3 deployments are tried, 2 times
f.yaml:5: router_settings.retry_policy: retries by kind of error
f.yaml:5: router_settings.content_policy_fallbacks: other groups for content that was refused
f.yaml:6: litellm_settings.drop_params: leaving out what a provider does not take: bodies are sent as they are
f.yaml:6: litellm_settings.callbacks: its callbacks: see --otlp and /metrics
`, messages(f.Undone))
}
