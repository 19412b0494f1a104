package cli_test

import (
	"path/filepath"
	"strings"
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
	require.Greater(t, len(files), 15)
	lines := map[string]string{
		"bad-limit.yaml":     ":2: model_list[0].litellm_params.rpm: found the text \"many\"",
		"bad-variable.yaml":  ":3: model_list[0].litellm_params.rpm: the environment variable UNSET_LIMIT is not set",
		"bad-indent.yaml":    ":3: ",
		"bad-configmap.yaml": "deployments: is missing",
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
			_, err := daemon.New(daemon.Options{Config: path})
			if name == "unset-store.yaml" { // serve cannot run what has no address
				require.ErrorContains(t, err, "the environment variable UNSET_HOST is not set")
				_, err = daemon.New(daemon.Options{Config: path, Sync: "valkey://127.0.0.1:1"})
			}
			require.NoError(t, err)
		})
	}
	require.Len(t, lines, len(strings.Fields("limit variable indent configmap")))
}
