package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

func TestCheckConvert(t *testing.T) {
	source, path := "testdata/litellm/parameters.yaml", filepath.Join(t.TempDir(), "gateway.yaml")
	printed := plimsoll(t.Context(), "check", "--convert", source)
	require.Equal(t, cli.ExitOK, printed.code, printed.stderr)
	require.Contains(t, printed.stderr, "set before you use it:\n  PLIMSOLL_OPENAI_KEY: "+source+":5 api_key\n")
	require.NotContains(t, printed.stdout+printed.stderr, "sk-0000")

	written := plimsoll(t.Context(), "check", source, "--convert", "-o", path)
	require.Equal(t, cli.ExitOK, written.code, written.stderr)
	require.Empty(t, written.stdout)
	require.Contains(t, written.stderr, "wrote "+path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, printed.stdout, string(text))
	require.Equal(t, cli.ExitOK, plimsoll(t.Context(), "check", path).code)

	// A file that is there stays as it is.
	again := plimsoll(t.Context(), "check", "testdata/litellm/account.yaml", "--convert", "--output", path)
	require.Equal(t, cli.ExitFailure, again.code)
	require.Contains(t, again.stderr, path+" exists, and no file is overwritten")
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, kept)

	require.Contains(t, plimsoll(t.Context(), "check", "--convert", path).stderr, "is in plimsoll's own format already")
	require.Contains(t, plimsoll(t.Context(), "check", "--convert", "testdata/litellm/bad-limit.yaml").stderr, "bad-limit.yaml:2: ")
	require.Equal(t, cli.ExitUsage, plimsoll(t.Context(), "check", "-o", path, source).code)
	require.Equal(t, cli.ExitUsage, plimsoll(t.Context(), "check", "--json", "--convert", source).code)
}
