package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The image is built from all packages that the command needs: none of them is left out
// by the list of files that are not sent.
func TestImageHasItsSources(t *testing.T) {
	top, err := filepath.Abs("../../../../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(top, "docs/deploy/Dockerfile.dockerignore"))
	require.NoError(t, err)
	var sent []string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			sent = append(sent, name)
		}
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{.Module.Path}}{{end}} {{.ImportPath}}", "./cmd/plimsoll")
	list.Dir = top
	out, err := list.Output()
	require.NoError(t, err)
	const own = "github.com/plimsoll-dev/plimsoll"
	found := 0
	for line := range strings.Lines(string(out)) {
		module, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if module != own && !strings.HasPrefix(module, own+"/") {
			continue
		}
		found++
		dir := strings.TrimPrefix(strings.TrimPrefix(path, own), "/")
		require.True(t, slices.ContainsFunc(sent, func(s string) bool { return dir == s || strings.HasPrefix(dir, s+"/") }), "%s is not sent to the image's build", dir)
	}
	require.Greater(t, found, 20)
}
