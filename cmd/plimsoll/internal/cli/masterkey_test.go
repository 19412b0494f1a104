package cli_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// The master key of a LiteLLM file is a token with all scopes, alone and beside those of
// a file. A call without a token is refused.
func TestServeMasterKey(t *testing.T) {
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "litellm.yaml"), filepath.Join(dir, "tokens")
	write(t, config, "model_list:\n- model_name: chat\n  litellm_params: {model: openai/gpt-4o, rpm: 100}\ngeneral_settings: {master_key: sk-hunter2hunter2, database_url: 'postgres://x'}\n")
	made := plimsoll(t.Context(), "token", "make", "gw", "--tokens", tokens, "--scopes", "decide")
	require.Equal(t, cli.ExitOK, made.code, made.stderr)
	token := regexp.MustCompile(`plm_\S+`).FindString(made.stdout + made.stderr)
	for _, args := range [][]string{{}, {"--tokens", tokens}} {
		s := serve(t, append([]string{"--config", config}, args...)...)
		status := func(path, secret string) int {
			code, _ := s.ask(t, path, `{"group":"chat"}`, "Authorization", "Bearer "+secret)
			return code
		}
		require.Equal(t, 200, status("/v1/acquire", "sk-hunter2hunter2"))
		require.Equal(t, 405, status("/metrics", "sk-hunter2hunter2"), "an admin's path")
		require.Equal(t, 401, status("/v1/acquire", "sk-hunter3"))
		if len(args) > 0 {
			require.Equal(t, 200, status("/v1/acquire", token))
			require.Equal(t, 403, status("/metrics", token))
		}
		require.Contains(t, s.stderr.String(), "virtual keys of LiteLLM's database are unknown here")
		require.NotContains(t, s.stderr.String(), "hunter2")
		s.stop()
	}
	write(t, tokens, "master_key sha256:"+regexp.MustCompile(`[0-9a-f]{64}`).FindString(made.stdout+made.stderr+"0000000000000000000000000000000000000000000000000000000000000000")+"\n")
	got := plimsoll(t.Context(), "serve", "--config", config, "--tokens", tokens)
	require.Equal(t, cli.ExitFailure, got.code)
	require.Contains(t, got.stderr, "tokens:1: the name master_key is that of the configuration's master key; rename the token")
}
