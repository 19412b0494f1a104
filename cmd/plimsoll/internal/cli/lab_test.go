package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// A small part of the matrix gives the same bytes again, from a file of finished runs too.
func TestLab(t *testing.T) {
	dir := t.TempDir()
	traces := filepath.Join(dir, "traces")
	require.NoError(t, os.Mkdir(traces, 0o700))
	var trace strings.Builder
	trace.WriteString("arrival_ms,input_tokens,output_tokens\n")
	for range 40 {
		trace.WriteString("0,3000,100\n")
	}
	trace.WriteString("60000,5,5\n")
	require.NoError(t, os.WriteFile(filepath.Join(traces, "own.csv"), []byte(trace.String()), 0o600))
	file := func(name string) string { return filepath.Join(dir, name) }
	page := file("page.md")
	require.NoError(t, os.WriteFile(page, []byte("before\n<!-- lab:goals -->\nold\n<!-- /lab:goals -->\nafter\n"), 0o600))

	args := []string{
		"lab", "--quick", "--world", "openai", "--world", "wait-fixed", "--traffic", "own", "--traces", traces, "--seeds", "2",
		"--resume", file("state"), "--csv", file("runs.csv"), "--json", file("rows.json"), "--markdown", page,
	}
	first := plimsoll(t.Context(), args...)
	require.Equal(t, cli.ExitOK, first.code, first.stderr)
	require.Contains(t, first.stdout, "openai")
	require.Contains(t, first.stdout, "wait-fixed")
	csv, err := os.ReadFile(file("runs.csv"))
	require.NoError(t, err)
	require.Equal(t, 1+2*(6+4)+2*(7+2), strings.Count(string(csv), "\n"), "a head, and the runs of two seeds")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Regexp(t, `(?s)^before\n<!-- lab:goals -->\n\| goal .*\n<!-- /lab:goals -->\nafter\n$`, string(text))

	// The last line was cut short, as by a kill.
	state, err := os.ReadFile(file("state"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file("state"), state[:len(state)-10], 0o600))
	again := plimsoll(t.Context(), args...)
	require.Equal(t, first, again)
	resumed, err := os.ReadFile(file("runs.csv"))
	require.NoError(t, err)
	require.Equal(t, string(csv), string(resumed))
	lines, err := os.ReadFile(file("state"))
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(state), "\n"), strings.Count(string(lines), "\n"))

	for name, text := range map[string]string{
		":1: this is no file of plimsoll lab --resume": "x\n",
		"was written by another build":                 `{"plimsoll_lab":"00"}` + "\n",
		":2: not a result":                             strings.SplitN(string(state), "\n", 2)[0] + "\n{}\n",
	} {
		require.NoError(t, os.WriteFile(file("state"), []byte(text), 0o600))
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitFailure, got.code)
		require.Contains(t, got.stderr, name)
		require.Empty(t, got.stdout)
	}
}

func TestLabFailures(t *testing.T) {
	empty := t.TempDir()
	for _, args := range [][]string{{"--traces", empty}, {"--traces", filepath.Join(empty, "absent")}} {
		got := plimsoll(t.Context(), append([]string{"lab", "--quick"}, args...)...)
		require.Equal(t, cli.ExitFailure, got.code)
		require.Contains(t, got.stderr, "lab: --traces: ")
	}
}
