//go:build !race

package engine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shape is how large the core is, and how much of it hangs together: the largest sets of
// files, and of types, each of which reaches every other by what it uses. A file uses
// another one of its package where it names a package-level identifier, a method or a field
// that the other declares; a type uses what its declaration and its methods name.
type shape struct{ lines, longest, files, types int }

// mayBe is what the shape of the engine, its internal packages and window may be: what it
// is, so that it only gets better. TestShape says what it should be.
var (
	mayBe    = shape{lines: 11365, longest: 300, files: 12, types: 8}
	shouldBe = shape{lines: 6000, longest: 300, files: 12, types: 8}
)

// TestShape prints the shape of the core and keeps it from getting worse.
func TestShape(t *testing.T) {
	var is shape
	for _, p := range loadCore(t) {
		for _, f := range p.files {
			n := lines(t, p.fset, f)
			is.lines += n
			is.longest = max(is.longest, n)
		}
		if strings.HasPrefix(p.path, module+"/engine") {
			files, kinds := p.uses()
			is.files, is.types = max(is.files, knot(files)), max(is.types, knot(kinds))
		}
	}
	for _, row := range []struct {
		what              string
		is, may, shouldBe int
	}{
		{"lines without tests, comments and blanks", is.lines, mayBe.lines, shouldBe.lines},
		{"lines of the longest file", is.longest, mayBe.longest, shouldBe.longest},
		{"files in the largest knot", is.files, mayBe.files, shouldBe.files},
		{"types in the largest knot", is.types, mayBe.types, shouldBe.types},
	} {
		t.Logf("%-42s %5d, at most %5d, goal %5d", row.what, row.is, row.may, row.shouldBe)
		require.LessOrEqual(t, row.is, row.may, row.what)
	}
}

// core is one package, with what its identifiers mean.
type core struct {
	path  string
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

// loadCore type-checks the packages of the core, their imports from what the go command
// has built.
func loadCore(t *testing.T) (all []*core) {
	t.Helper()
	fset := token.NewFileSet()
	own, imports := listBuilt(t, fset, nil, module+"/engine", module+"/engine/internal/...", module+"/window")
	for _, p := range own {
		of := p.ImportPath == module+"/engine" || p.ImportPath == module+"/window" || strings.HasPrefix(p.ImportPath, module+"/engine/internal/")
		if !of || strings.HasSuffix(p.ImportPath, "/model") {
			continue
		}
		c := &core{path: p.ImportPath, fset: fset, info: &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}}
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			c.files = append(c.files, f)
		}
		var err error
		c.pkg, err = (&types.Config{Importer: imports}).Check(p.ImportPath, fset, c.files, c.info)
		require.NoError(t, err)
		all = append(all, c)
	}
	require.NotEmpty(t, all)
	return all
}

// graph is what uses what.
type graph map[string]map[string]bool

func (g graph) add(from, to string) {
	if g[from] == nil {
		g[from] = map[string]bool{}
	}
	g[from][to] = g[from][to] || from != to
}

// uses returns which file uses which, and which type uses which.
func (c *core) uses() (files, kinds graph) {
	files, kinds = graph{}, graph{}
	for _, f := range c.files {
		from := c.fset.Position(f.Pos()).Filename
		for _, d := range f.Decls {
			kind := c.typeOf(d)
			ast.Inspect(d, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				o := c.info.Uses[id]
				if o == nil || o.Pkg() != c.pkg || !c.shared(o) {
					return true
				}
				files.add(from, c.fset.Position(o.Pos()).Filename)
				if to := owner(o); kind != "" && to != "" {
					kinds.add(kind, to)
				}
				return true
			})
		}
	}
	return files, kinds
}

// shared reports whether other files may name what an identifier means.
func (c *core) shared(o types.Object) bool {
	switch v := o.(type) {
	case *types.Var:
		return v.IsField() || v.Parent() == c.pkg.Scope()
	case *types.Func:
		return true
	}
	return o.Parent() == c.pkg.Scope()
}

// owner returns the type that is meant, or whose method is.
func owner(o types.Object) string {
	switch v := o.(type) {
	case *types.TypeName:
		return v.Name()
	case *types.Func:
		if r := v.Signature().Recv(); r != nil {
			at := r.Type()
			if p, ok := at.(*types.Pointer); ok {
				at = p.Elem()
			}
			if n, ok := at.(*types.Named); ok {
				return n.Obj().Name()
			}
		}
	}
	return ""
}

// typeOf returns the type that a declaration declares, or is a method of.
func (c *core) typeOf(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if o, ok := c.info.Defs[d.Name].(*types.Func); ok {
			return owner(o)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok {
				return s.Name.Name
			}
		}
	}
	return ""
}

// knot returns the size of the largest strongly connected component, by Tarjan's
// algorithm.
func knot(g graph) (largest int) {
	index, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var stack []string
	var visit func(v string)
	visit = func(v string) {
		index[v], low[v], on[v] = len(index)+1, len(index)+1, true
		stack = append(stack, v)
		for w := range g[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		i := slices.Index(stack, v)
		largest = max(largest, len(stack)-i)
		for _, w := range stack[i:] {
			on[w] = false
		}
		stack = stack[:i]
	}
	for v := range g {
		if index[v] == 0 {
			visit(v)
		}
	}
	return largest
}

// lines returns how many lines of a file hold more than comments and blanks.
func lines(t *testing.T, fset *token.FileSet, f *ast.File) (n int) {
	t.Helper()
	name := fset.Position(f.Pos()).Filename
	src, err := os.ReadFile(name)
	require.NoError(t, err)
	var s scanner.Scanner
	file := token.NewFileSet().AddFile(name, -1, len(src))
	s.Init(file, src, nil, 0)
	for last := 0; ; {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return n
		}
		if tok == token.SEMICOLON && text == "\n" {
			continue
		}
		first, end := file.Line(pos), file.Line(pos)+strings.Count(text, "\n")
		n += end - max(first-1, last)
		last = end
	}
}

// TestKnot: the components of graphs that are known.
func TestKnot(t *testing.T) {
	for _, c := range []struct {
		edges string
		want  int
	}{{"ab bc ca cd", 3}, {"ab bc cd", 1}, {"ab ba cd de ec", 3}, {"aa", 1}} {
		g := graph{}
		for e := range strings.FieldsSeq(c.edges) {
			g.add(e[:1], e[1:])
			g.add(e[1:], e[1:])
		}
		require.Equal(t, c.want, knot(g), fmt.Sprint(c.edges))
	}
}
