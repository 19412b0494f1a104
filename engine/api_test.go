//go:build !race

package engine_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "renew the golden files of the public packages' documentation")

// public are the packages that a user of the library imports first. Their documentation
// is the API: a change of it is a decision, which the golden file shows.
var public = []string{
	"engine", "engine/config", "engine/estimate", "engine/metrics", "engine/provider", "engine/transport", "window",
	"sync/syncer", "sync/memstore", "sync/storetest", "sync/valkeystore",
}

// TestDocumentation compares what go doc prints of the public packages with the golden
// files. make api renews these.
func TestDocumentation(t *testing.T) {
	for _, p := range public {
		out, err := exec.Command("go", "doc", "-all", module+"/"+p).Output()
		require.NoError(t, err, p)
		name := filepath.Join("testdata", "api", strings.ReplaceAll(p, "/", "-")+".txt")
		if *update {
			require.NoError(t, os.WriteFile(name, out, 0o644))
			continue
		}
		want, err := os.ReadFile(name)
		require.NoError(t, err)
		if string(want) != string(out) {
			t.Errorf("the documentation of %s is not that of engine/%s: read the difference as a user would, then make api\n%s", p, name, firstDifference(string(want), string(out)))
		}
	}
}

// firstDifference returns the first lines that differ.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			return "line " + strconv.Itoa(i+1) + "\n-" + strings.Join(w[min(i, len(w)):min(i+3, len(w))], "\n-") + "\n+" + strings.Join(g[min(i, len(g)):min(i+3, len(g))], "\n+")
		}
	}
	return ""
}

// byInterface are methods that code calls by an interface of the standard library or of
// Prometheus.
var byInterface = []string{
	"String", "GoString", "LogValue", "Error", "Is", "Unwrap", "MarshalText", "UnmarshalText", "UnmarshalJSON", "IsZero",
	"RoundTrip", "Collect", "Describe",
}

// TestEveryExportedNameIsUsed: outside its package, or in an example of it. What is used
// nowhere is a promise without a reason. A constant counts as used with its block, a type
// with an exported name that has it, a field with a key in JSON. Names are compared, types
// are not: a method counts as used where a selector of its name stands.
func TestEveryExportedNameIsUsed(t *testing.T) {
	used := usedNames(t)
	for _, p := range public {
		of := exported(t, filepath.Join("..", p))
		for _, names := range of.names {
			ok := slices.ContainsFunc(names, func(name string) bool {
				if _, member, is := strings.Cut(name, "."); is {
					return used.members(p, member) || slices.Contains(byInterface, member)
				}
				return used.of[p][name] || of.mentioned[name]
			})
			assert.True(t, ok, "%s.%s is used nowhere outside its package: unexport it, or show in an example what it is for", path.Base(p), strings.Join(names, ", "))
		}
	}
}

// uses is what is used, by the package that the user's file is not part of.
type uses struct {
	of       map[string]map[string]bool // package-level names, by package
	selected map[string]map[string]bool // selectors and keys, by the folder of the file; examples under ""
}

func (u *uses) members(pkg, name string) bool {
	for folder, names := range u.selected {
		if folder != pkg && names[name] {
			return true
		}
	}
	return false
}

// usedNames reads every Go file of the tree.
func usedNames(t *testing.T) *uses {
	t.Helper()
	u := &uses{of: map[string]map[string]bool{}, selected: map[string]map[string]bool{}}
	require.NoError(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(name), "../"))
		for _, decl := range f.Decls {
			from := folder
			if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasSuffix(name, "_test.go") && strings.HasPrefix(fn.Name.Name, "Example") {
				from = ""
			}
			u.add(f, decl, from)
		}
		return nil
	}))
	return u
}

// add notes what a declaration uses.
func (u *uses) add(f *ast.File, decl ast.Decl, from string) {
	imported := map[string]string{}
	for _, i := range f.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		if p, ok := strings.CutPrefix(p, module+"/"); ok {
			local := path.Base(p)
			if i.Name != nil {
				local = i.Name.Name
			}
			imported[local] = p
		}
	}
	if u.selected[from] == nil {
		u.selected[from] = map[string]bool{}
	}
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			u.selected[from][n.Sel.Name] = true
			if x, ok := n.X.(*ast.Ident); ok && imported[x.Name] != "" && imported[x.Name] != from {
				p := imported[x.Name]
				if u.of[p] == nil {
					u.of[p] = map[string]bool{}
				}
				u.of[p][n.Sel.Name] = true
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok {
				u.selected[from][k.Name] = true
			}
		case *ast.FuncDecl:
			if n.Recv != nil { // it implements a method of an interface, perhaps
				u.selected[from][n.Name.Name] = true
			}
		}
		return true
	})
}

// surface is the exported names of a package: "Name", and "Type.Member" for methods and
// fields; those that stand for each other together.
type surface struct {
	names     [][]string
	funcs     []string        // of names: functions and methods
	mentioned map[string]bool // types in exported signatures and fields
}

func exported(t *testing.T, dir string) surface {
	t.Helper()
	s := surface{mentioned: map[string]bool{}}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				s.addFunc(decl)
			case *ast.GenDecl:
				s.addDecl(decl)
			}
		}
	}
	require.NotEmpty(t, s.names)
	return s
}

func (s *surface) addFunc(fn *ast.FuncDecl) {
	of := receiver(fn)
	if !fn.Name.IsExported() || of != "" && !ast.IsExported(of) {
		return
	}
	name := fn.Name.Name
	if of != "" {
		name = of + "." + name
	}
	s.names, s.funcs = append(s.names, []string{name}), append(s.funcs, name)
	s.mention(fn.Type)
}

func (s *surface) addDecl(decl *ast.GenDecl) {
	var block []string
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for _, id := range spec.Names {
				if !id.IsExported() {
					continue
				}
				if decl.Tok == token.VAR {
					s.names = append(s.names, []string{id.Name})
				} else {
					block = append(block, id.Name)
				}
			}
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				s.names = append(s.names, []string{spec.Name.Name})
				s.addFields(spec)
			}
		}
	}
	if block != nil {
		s.names = append(s.names, block)
	}
}

func (s *surface) addFields(spec *ast.TypeSpec) {
	if i, ok := spec.Type.(*ast.InterfaceType); ok {
		s.mention(i)
	}
	of, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range of.Fields.List {
		for _, id := range field.Names {
			if !id.IsExported() {
				continue
			}
			s.mention(field.Type)
			if field.Tag == nil {
				s.names = append(s.names, []string{spec.Name.Name + "." + id.Name})
			}
		}
	}
}

// mention notes the types in an expression.
func (s *surface) mention(x ast.Node) {
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			s.mentioned[id.Name] = true
		}
		return true
	})
}

// receiver returns the type whose method a function is, "" if it is none.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	x := fn.Recv.List[0].Type
	if p, ok := x.(*ast.StarExpr); ok {
		x = p.X
	}
	if id, ok := x.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
