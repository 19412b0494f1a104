//go:build !race

package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryEntryPointHasAnExample: an example calls each exported function and method of the
// public packages, except those that code calls by an interface. Names are compared, types are not.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	shown := shownNames(t)
	for _, p := range public {
		for _, name := range exported(t, filepath.Join("..", p)).funcs {
			of, member, method := strings.Cut(name, ".")
			if !method {
				member = of
			}
			assert.True(t, shown[member] || method && slices.Contains(byInterface, member), "no example calls %s.%s", path.Base(p), name)
		}
	}
}

// shownNames returns the selectors and keys in the examples of the tree.
func shownNames(t *testing.T) map[string]bool {
	t.Helper()
	shown := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if isExample(decl) {
				ast.Inspect(decl, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						shown[s.Sel.Name] = true
					}
					return true
				})
			}
		}
		return nil
	}))
	return shown
}

func isExample(decl ast.Decl) bool {
	fn, ok := decl.(*ast.FuncDecl)
	return ok && strings.HasPrefix(fn.Name.Name, "Example")
}
