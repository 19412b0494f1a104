//go:build !race

package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var namedFile = regexp.MustCompile("`(\\w+\\.go)`")

// layers returns the files of package engine, each with its row in the table of
// docs/ARCHITECTURE.md, from the bottom up.
func layers(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "ARCHITECTURE.md"))
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "### Package engine, from the bottom up")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n#")
	rows := map[string]int{}
	for n, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range namedFile.FindAllStringSubmatch(cells[2], -1) {
				require.Zero(t, rows[m[1]], "%s is named twice", m[1])
				rows[m[1]] = n
			}
		}
	}
	return rows
}

// TestLayers: the table of docs/ARCHITECTURE.md has every file of package engine, and no file
// uses what a file of a row below declares.
func TestLayers(t *testing.T) {
	row, listed := layers(t), 0
	for _, p := range loadCore(t) {
		if p.path != module+"/engine" {
			continue
		}
		files, _ := p.uses()
		for _, f := range p.files {
			name := p.fset.Position(f.Pos()).Filename
			from := filepath.Base(name)
			if from == "doc.go" {
				continue
			}
			listed++
			assert.NotZero(t, row[from], "%s is in no row", from)
			for used := range files[name] {
				to := filepath.Base(used)
				assert.LessOrEqual(t, row[to], row[from], "%s uses %s, which is in a row below", from, to)
			}
		}
	}
	require.Len(t, row, listed, "the table names a file that is not there")
}
