//go:build !race

package engine_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestFewFilesNameALimit: everything ranges over the table, so that a new kind of limit is
// a row. Limits of hours and days stand for all kinds: the
// pair of the minute has places of its own.
func TestFewFilesNameALimit(t *testing.T) {
	const most = 5
	files := naming(t, regexp.MustCompile(`^(Limit|kind|why)?(RPD|TPD|RPH|TPH)$|^(Limit|kind|why)?(Day|Hour)s?(Requests?|Tokens?)(Limit)?$`))
	t.Logf("%d files name a limit of hours or days, at most %d may: %s", len(files), most, strings.Join(files, ", "))
	require.LessOrEqual(t, len(files), most)
	require.Contains(t, files, "../engine/provider/limit.go")
}

// TestFewFilesNameAStrategy: all other files range over the table.
func TestFewFilesNameAStrategy(t *testing.T) {
	const most = 3 // the table, what LiteLLM's names mean, and what is measured
	files := naming(t, regexp.MustCompile(`^(LeastUtilized|LowestTPM|PowerOfTwo|Weighted|LeastBusy)$`))
	t.Logf("%d files name a strategy, at most %d may: %s", len(files), most, strings.Join(files, ", "))
	require.LessOrEqual(t, len(files), most)
	require.Contains(t, files, "../engine/strategy.go")
}

// TestEveryStrategyIsDocumented: the manual and the schema of configuration files name each.
func TestEveryStrategyIsDocumented(t *testing.T) {
	manual, err := os.ReadFile("../docs/CONFIG.md")
	require.NoError(t, err)
	raw, err := os.ReadFile("../docs/config.schema.json")
	require.NoError(t, err)
	var schema struct {
		Properties struct {
			Strategy struct{ Enum []engine.Strategy }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &schema))
	require.ElementsMatch(t, slices.Collect(engine.AllStrategies()), schema.Properties.Strategy.Enum)
	for s := range engine.AllStrategies() {
		require.Contains(t, string(manual), "`"+s.String()+"`")
		require.Contains(t, engine.StrategyNames(), s.String())
	}
}

// naming returns the files of the whole tree, except tests, with an identifier that
// matches.
func naming(t *testing.T, names *regexp.Regexp) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && names.MatchString(id.Name) && !slices.Contains(files, path) {
				files = append(files, path)
			}
			return true
		})
		return nil
	}))
	return files
}

// TestTheCoresTestsExist: docs/CORE.md names the test that shows each protocol.
func TestTheCoresTestsExist(t *testing.T) {
	text, err := os.ReadFile("../docs/CORE.md")
	require.NoError(t, err)
	have := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "internal/*/*_test.go", "internal/*/*/*_test.go", "../fuzz/*_test.go", "../sync/*/*_test.go", "../sync/internal/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					have[fn.Name.Name] = true
				}
			}
		}
	}
	named := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(string(text), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		require.True(t, have[name], "docs/CORE.md names %s, which is no test", name)
	}
}
