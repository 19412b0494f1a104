package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a log line says under "error" is a text in every package, never an error that may
// be nil, which would be printed as error=<nil>.
func TestLoggedErrorsAreTexts(t *testing.T) {
	seen := 0
	set := token.NewFileSet()
	require.NoError(t, filepath.WalkDir("../../../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !strings.Contains(" Debug Info Warn Error Log LogAttrs With Any ", " "+fun.Sel.Name+" ") {
				return true
			}
			for i, arg := range call.Args {
				if lit, ok := arg.(*ast.BasicLit); !ok || lit.Value != `"error"` || i+1 == len(call.Args) {
					continue
				}
				seen++
				if _, text := call.Args[i+1].(*ast.CallExpr); fun.Sel.Name == "Any" || !text { // of Error, or of what makes a text of it
					t.Errorf("%s: write err.Error() where it is not nil", set.Position(call.Pos()))
				}
			}
			return true
		})
		return nil
	}))
	require.Greater(t, seen, 8)
}
