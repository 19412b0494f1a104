package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	goFile   = regexp.MustCompile(`^[\w/]+\.go$`)
	goName   = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$|^(Test|Fuzz)\w+$`)
	mapFiles = []string{"ARCHITECTURE.md", "CORE.md"}
)

// TestDocsNameWhatIsThere: the files, functions, fields and tests that the maps of the code
// name are there.
func TestDocsNameWhatIsThere(t *testing.T) {
	files, names := declared(t, "..")
	for _, doc := range mapFiles {
		text, err := os.ReadFile(filepath.Join("..", "docs", doc))
		require.NoError(t, err)
		checked := 0
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			switch name := strings.TrimSuffix(m[1], "()"); {
			case goFile.MatchString(name):
				checked++
				assert.True(t, files["/"+name], "%s names the file %s", doc, name)
			case strings.HasPrefix(name, "http."): // of the standard library
			case goName.MatchString(name):
				checked++
				assert.True(t, names[name[strings.LastIndex(name, ".")+1:]], "%s names %s", doc, name)
			}
		}
		require.Greater(t, checked, 20, doc)
	}
	require.False(t, files["/no.go"] || names["noSuchName"])
}

// declared returns the Go files below a directory by every end of their paths, and what
// they declare: functions, methods, types, fields, variables, constants and packages.
func declared(t *testing.T, root string) (files, names map[string]bool) {
	t.Helper()
	files, names = map[string]bool{}, map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		path = filepath.ToSlash(path)
		for i := range path {
			if path[i] == '/' {
				files[path[i:]] = true
			}
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil //nolint:nilerr // an example of what does not parse
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = true
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, id := range n.Names {
					names[id.Name] = true
				}
			case *ast.Field:
				for _, id := range n.Names {
					names[id.Name] = true
				}
			}
			return true
		})
		return nil
	}))
	return files, names
}
