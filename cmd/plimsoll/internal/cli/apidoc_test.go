package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var block = regexp.MustCompile("(?s)```sh\n(.*?)```\n\n```json\n(.*?)```")

// The examples of docs/API.md do what it says, one after the other: those of the
// proxy by the demo, the others by the built-in example.
func TestAPIExamples(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/API.md")
	require.NoError(t, err)
	before, after, found := strings.Cut(string(text), "\n## The proxy\n")
	require.True(t, found)
	proxied, after, found := strings.Cut(after, "\n## ")
	require.True(t, found)
	runExamples(t, serve(t), before+after, 9)

	runExamples(t, serve(t, "--demo"), proxied, 2)
}

// runExamples runs the examples in a text against a daemon: at least so many.
func runExamples(t *testing.T, s *served, text string, least int) {
	t.Helper()
	blocks := block.FindAllStringSubmatch(text, -1)
	require.Len(t, blocks, strings.Count(text, "```sh\n"), "each example has its answer")
	require.GreaterOrEqual(t, len(blocks), least)
	const end = "\n--- next ---\n"
	var script strings.Builder
	for _, b := range blocks {
		script.WriteString(b[1] + "printf '" + strings.ReplaceAll(end, "\n", `\n`) + "'\n")
	}
	bash := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c",
		strings.ReplaceAll(script.String(), "http://127.0.0.1:4141", s.url))
	bash.Dir = t.TempDir()
	out, err := bash.Output()
	require.NoError(t, err, "it needs bash and curl")
	answers := strings.Split(string(out), end)
	for i, b := range blocks {
		got := values(t, answers[i])
		first, last, more := strings.Cut(b[2], "\n…\n")
		want := values(t, first)
		if more { // further values of the kind, which are not shown
			require.Greater(t, len(got), len(want), b[1])
			end := values(t, last)
			require.Equal(t, end, wildcards(end, got[len(got)-len(end):]), b[1])
			got = got[:len(want)]
		}
		require.Equal(t, want, wildcards(want, got), b[1])
	}
}

// values reads JSON values, one after the other.
func values(t *testing.T, text string) []any {
	t.Helper()
	var list []any
	for dec := json.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err, text)
		list = append(list, v)
	}
}

// wildcards returns got with … where want has it.
func wildcards(want, got any) any {
	switch w := want.(type) {
	case string:
		if w == "…" {
			return w
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			for i := range w {
				g[i] = wildcards(w[i], g[i])
			}
		}
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			for k := range w {
				if v, ok := g[k]; ok {
					g[k] = wildcards(w[k], v)
				}
			}
		}
	}
	return got
}
