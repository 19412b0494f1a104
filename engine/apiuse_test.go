//go:build !race

package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// usedObjects returns, by public package, the names that code outside the package uses, or an
// example of it: fields and methods as "Type.Member". Under "" are the methods of the public
// interfaces. Identifiers are resolved by their types, except those of modules that only tests
// import: they are none of ours.
func usedObjects(t *testing.T) map[string]map[string]bool {
	t.Helper()
	workspace, err := filepath.Abs("../go.work") // make test tests the library without it
	require.NoError(t, err)
	fset := token.NewFileSet()
	own, imports := listBuilt(t, fset, []string{"GOWORK=" + workspace}, module+"/...", module+"/cmd/plimsoll/...")
	used, names := map[string]map[string]bool{"": {}}, map[types.Object]string{}
	for _, p := range public {
		pkg, err := imports.Import(module + "/" + p)
		require.NoError(t, err)
		used[p] = map[string]bool{}
		members(pkg, names, used[""])
	}
	for _, p := range own {
		for _, files := range [][]string{append(p.GoFiles, p.TestGoFiles...), p.XTestGoFiles} {
			var parsed []*ast.File
			for _, name := range files {
				f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
				require.NoError(t, err)
				parsed = append(parsed, f)
			}
			info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
			conf := types.Config{Importer: imports, Error: func(error) {}}
			_, _ = conf.Check(p.ImportPath, fset, parsed, info) // what is not resolved is not used
			for _, f := range parsed {
				for _, decl := range f.Decls {
					ast.Inspect(decl, func(n ast.Node) bool {
						id, _ := n.(*ast.Ident)
						if o := info.Uses[id]; o != nil && names[o] != "" && (isExample(decl) || o.Pkg().Path() != strings.TrimSuffix(p.ImportPath, "_test")) {
							used[strings.TrimPrefix(o.Pkg().Path(), module+"/")][names[o]] = true
						}
						return true
					})
				}
			}
		}
	}
	return used
}

// members notes the names of what a package exports, fields and methods included, and the
// methods of its interfaces.
func members(pkg *types.Package, names map[types.Object]string, contract map[string]bool) {
	for _, name := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(name)
		names[o] = name
		named, ok := o.Type().(*types.Named)
		if _, is := o.(*types.TypeName); !is || !ok {
			continue
		}
		for m := range named.Methods() {
			names[m] = name + "." + m.Name()
		}
		switch of := named.Underlying().(type) {
		case *types.Struct:
			for f := range of.Fields() {
				names[f] = name + "." + f.Name()
			}
		case *types.Interface:
			for m := range of.Methods() {
				names[m] = name + "." + m.Name()
				contract[m.Name()] = true
			}
		}
	}
}
