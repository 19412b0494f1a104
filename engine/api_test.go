//go:build !race

package engine_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
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
	"Format", "RoundTrip", "Collect", "Describe",
}

// TestEveryExportedNameIsUsed: outside its package, or in an example of it. What is used
// nowhere is a promise without a reason. A constant counts as used with its block, a type
// with an exported name that has it, a field with a key in JSON, a method if a public
// interface has it.
func TestEveryExportedNameIsUsed(t *testing.T) {
	used := usedObjects(t)
	for _, p := range public {
		of := exported(t, filepath.Join("..", p))
		for _, names := range of.names {
			ok := slices.ContainsFunc(names, func(name string) bool {
				_, member, is := strings.Cut(name, ".")
				return used[p][name] || is && (used[""][member] || slices.Contains(byInterface, member)) || !is && of.mentioned[name]
			})
			assert.True(t, ok, "%s.%s is used nowhere outside its package: unexport it, or show in an example what it is for", path.Base(p), strings.Join(names, ", "))
		}
	}
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
