package cli_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
)

// The kinds of LiteLLM files that people have: what is valid passes check, replay and
// serve; one mistake is named with its line.
func TestLiteLLMFilesOfPeople(t *testing.T) {
	files, err := filepath.Glob("testdata/litellm/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	lines := map[string]string{
		"bad-limit.yaml":     ":2: model_list[0].litellm_params.rpm: found the text \"many\"",
		"bad-variable.yaml":  ":3: model_list[0].litellm_params.rpm: the environment variable UNSET_LIMIT is not set",
		"bad-indent.yaml":    ":3: ",
		"bad-configmap.yaml": "data.config.yaml: is a configuration inside another file",
		"bad-model.yaml":     ":3: model_list[1].litellm_params.model: is missing",
		"bad-alias.yaml":     ":5: router_settings.model_group_alias.chat: is the name of a group already",
		"bad-same-id.yaml":   ":3: model_list[1]: \"one\" is the id of the deployment on line 2",
		"bad-include.yaml":   ":1: include: \"../outside.yaml\" is not below this file's directory",
	}
	small := smallTrace(t)
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			got := plimsoll(t.Context(), "check", path)
			if want, bad := lines[name]; bad {
				require.Equal(t, cli.ExitFailure, got.code)
				require.Contains(t, got.stderr, want)
				return
			}
			require.Equal(t, cli.ExitOK, got.code, got.stderr)
			for _, secret := range []string{"sk-0000", "postgres://u:p"} {
				require.NotContains(t, got.stdout, secret)
			}
			got = plimsoll(t.Context(), "replay", "--config", path, "--compare", "--trace", small)
			require.Equal(t, cli.ExitOK, got.code, got.stderr)
			require.Contains(t, got.stdout, "litellm+cooldown")
			args := []string{"--config", path}
			if name == "unset-store.yaml" { // serve cannot run what has no address
				_, err := daemon.New(daemon.Options{Config: path})
				require.ErrorContains(t, err, "the environment variable UNSET_HOST is not set")
				args = append(args, "--sync", "valkey://127.0.0.1:1")
			}
			s := serve(t, args...)
			key := []string{"Authorization", "Bearer sk-0000000002"} // the master key of those that have one
			_, deployments := s.ask(t, "/v1/deployments", "", key...)
			require.NotEmpty(t, deployments["deployments"])
			status, models := s.ask(t, "/v1/models", "", key...)
			require.Contains(t, []int{200, 404}, status) // 404: no group has an endpoint
			require.NotContains(t, fmt.Sprint(models), "*")
			s.stop()
			for _, secret := range []string{"sk-0000", "postgres://u:p"} {
				require.NotContains(t, s.stdout.String()+s.stderr.String(), secret)
			}
		})
	}
	require.Len(t, lines, 8)
}
