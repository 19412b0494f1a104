//go:build !race

package engine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/plimsoll-dev/plimsoll"

// A direction says what the packages under one path may import besides the
// standard library, and why. Paths of this module are written without its name;
// "x/..." means x and everything below it. The first direction whose path
// matches a package is the one that holds for it.
type direction struct {
	path    string
	may     []string
	why     string
	planned bool // no such package yet
}

var directions = []direction{
	{
		path: "window",
		why:  "time, and what nodes exchange: the bottom of the module",
	},
	{
		path: "engine", may: []string{"window", "engine/internal/...", "engine/provider", "github.com/puzpuzpuz/xsync/v3"},
		why: "decides from memory alone, so that it can be embedded, fuzzed and replayed",
	},
	{
		path: "engine/internal/counter/model",
		why:  "plays every interleaving of the counters' protocols, not their code",
	},
	{
		path: "engine/internal/counter", may: []string{"engine/internal/invariants", "window"},
		why: "counters and the arithmetic of limits; they know no deployment",
	},
	{
		path: "engine/internal/order", may: []string{"engine/internal/counter", "engine/internal/invariants", "window"},
		why: "how deployments compare: counters in, keys out; it knows no deployment and no demand",
	},
	{
		path: "engine/internal/breaker", may: []string{"engine/provider"},
		why: "a state machine: instants and events in, states out; it knows no counter",
	},
	{
		path: "engine/internal/learn", may: []string{"engine/provider", "window"},
		why: "what calls and answers teach: readings in, estimates out; it knows no deployment, no counter and no clock",
	},
	{
		path: "engine/internal/queue", may: []string{"engine/internal/counter"},
		why: "who is served when, and what wakes a waiter; it knows no group and no clock",
	},
	{
		path: "engine/internal/invariants",
		why:  "yields between the steps of a protocol, in a build of its own",
	},
	{
		path: "engine/provider",
		why:  "what a provider counts is data; headers arrive as a func, not as net/http",
	},
	{
		path: "engine/estimate", may: []string{"engine/estimate/internal/scan", "github.com/pkoukk/tiktoken-go", "github.com/pkoukk/tiktoken-go-loader"},
		why: "counting tokens is no part of deciding; only who counts exactly pays for the tables",
	},
	{
		path: "engine/estimate/internal/scan",
		why:  "looks at bytes; what they are worth is fitted elsewhere",
	},
	{
		path: "engine/estimate/internal/fit", may: []string{"engine/estimate", "engine/estimate/internal/scan", "github.com/pkoukk/tiktoken-go-loader"},
		why: "makes the weights by asking the exact counter, and lists the words of its tables",
	},
	{
		path: "engine/config", may: []string{"engine/...", "go.yaml.in/yaml/..."},
		why: "the only reader of files, hence the only user of a YAML library",
	},
	{
		path: "engine/transport", may: []string{"engine/..."},
		why: "ties an engine to HTTP calls; the engine does not know that they exist",
	},
	{
		path: "engine/transport/internal/wire",
		why:  "reads texts in place; what their members mean is decided elsewhere",
	},
	{
		path: "engine/transport/internal/fake", may: []string{"fuzz/rule"},
		why: "plays the providers in tests, which must not depend on what they test",
	},
	{
		path: "engine/metrics", may: []string{"engine", "sync/syncer", "github.com/prometheus/client_golang/..."},
		why: "reads what engine and syncer publish; neither knows Prometheus",
	},
	{
		path: "sync/internal/escrow",
		why:  "is arithmetic alone, which a checker explores",
	},
	{
		path: "sync/syncer", may: []string{"window", "sync/internal/escrow"},
		why: "knows a Source and a Store, neither the engine nor a store's client",
	},
	{
		path: "sync/memstore", may: []string{"window", "sync/syncer"},
		why: "a Store is written against the syncer's contract alone",
	},
	{
		path: "sync/storetest", may: []string{"window", "sync/syncer"},
		why: "the contract's suite runs against any Store, so it knows none",
	},
	{
		path: "sync/valkeystore", may: []string{"window", "sync/syncer", "github.com/valkey-io/valkey-go/..."},
		why: "the only package of the library that connects to Valkey",
	},
	{
		path: "sync/servertest",
		why:  "real servers and faults for tests, which must not depend on what they test",
	},
	{
		path: "bench/...", may: []string{"window", "engine/...", "sync/...", "bench/...", "github.com/puzpuzpuz/xsync/v3"},
		why: "measures the library as its users see it; the peers live in a module of their own",
	},
	{
		path: "fuzz/rule",
		why:  "models of providers, with which the library is compared: it must share no code with it",
	},
	{
		path: "fuzz/...", may: []string{"window", "engine/...", "sync/...", "fuzz/..."},
		why: "compares the library with models of its own",
	},
}

// A ban keeps parts of the standard library out of the packages named.
type ban struct {
	path       string
	std        string
	transitive bool // not through other packages either
	why        string
}

var bans = []ban{
	{"window", "net/...", true, "no I/O below the daemon"},
	{"window", "log/...", true, "a library reports by errors and counters"},
	{"window", "os/...", false, "no files, no environment"},
	{"window", "testing/...", true, "test code must not reach a user's binary"},
	{"engine", "net/...", true, "no decision waits for a network"},
	{"engine", "log/...", true, "a library reports by errors and counters"},
	{"engine", "os/...", false, "no files, no environment: a Config says everything"},
	{"engine", "testing/...", true, "test code must not reach a user's binary"},
	{"engine/provider", "net/...", true, "a parser of headers needs the header's name and value only"},
}

// goPackage is the part of `go list -json` used here. Imports are those of the
// package's own files without tests, Deps what they lead to.
type goPackage struct {
	ImportPath, Dir                    string
	Imports, Deps                      []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func TestImportDirections(t *testing.T) {
	for _, fault := range faults(listPackages(t)) {
		t.Error(fault)
	}
}

// The rules must see what is there and refuse what is wrong; a walk that found
// nothing would pass them all.
func TestImportDirectionsCanFail(t *testing.T) {
	var found []string
	for _, p := range listPackages(t) {
		found = append(found, rel(p.ImportPath))
	}
	for _, want := range []string{"window", "engine", "sync/syncer"} {
		if !slices.Contains(found, want) {
			t.Errorf("packages found = %q, want %q among them", found, want)
		}
	}

	tests := []struct {
		name string
		pkg  goPackage
		want string
	}{
		{"window above itself", goPackage{ImportPath: "window", Imports: []string{module + "/engine"}}, "window imports engine"},
		{"engine imports a command", goPackage{ImportPath: "engine", Imports: []string{module + "/cmd/plimsoll/internal/replay"}}, "engine imports cmd/plimsoll/internal/replay"},
		{"engine reads YAML", goPackage{ImportPath: "engine", Imports: []string{"go.yaml.in/yaml/v3"}}, "engine imports go.yaml.in/yaml/v3"},
		{"engine counts tokens", goPackage{ImportPath: "engine", Imports: []string{"github.com/pkoukk/tiktoken-go"}}, "engine imports github.com/pkoukk/tiktoken-go"},
		{"engine logs", goPackage{ImportPath: "engine", Imports: []string{"log/slog"}, Deps: []string{"log/slog"}}, "engine imports log/slog"},
		{"engine opens files", goPackage{ImportPath: "engine", Imports: []string{"os"}}, "engine imports os"},
		{"net behind another package", goPackage{ImportPath: "engine", Deps: []string{"net/http"}}, "engine depends on net/http"},
		{"the root is no package", goPackage{ImportPath: ""}, "no direction"},
		{"no direction is given", goPackage{ImportPath: "helpers"}, "no direction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.pkg.ImportPath = path.Join(module, tt.pkg.ImportPath)
			got := packageFaults(tt.pkg)
			if len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("faults = %q, want one with %q", got, tt.want)
			}
		})
	}

	allowed := goPackage{
		ImportPath: module + "/engine",
		Imports:    []string{module + "/window", "github.com/puzpuzpuz/xsync/v3", "fmt", "math/rand/v2"},
		Deps:       []string{"os", "fmt", "time"}, // fmt needs os
	}
	if got := packageFaults(allowed); got != nil {
		t.Errorf("faults of allowed imports = %q, want none", got)
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	for _, p := range listPackages(t) {
		// A package of tests alone carries its comment in one of them.
		files := p.GoFiles
		if len(files) == 0 {
			files = slices.Concat(p.TestGoFiles, p.XTestGoFiles)
		}
		documented := slices.ContainsFunc(files, func(name string) bool {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			return f.Doc != nil && f.Doc.Text() != ""
		})
		if !documented {
			t.Errorf("package %s has no doc comment", rel(p.ImportPath))
		}
	}
}

// faults checks every package and that the tables name only what exists.
func faults(pkgs []goPackage) []string {
	var out []string
	for _, p := range pkgs {
		out = append(out, packageFaults(p)...)
	}
	for _, d := range directions {
		exists := slices.ContainsFunc(pkgs, func(p goPackage) bool { return matches(d.path, rel(p.ImportPath)) })
		switch {
		case d.planned && exists:
			out = append(out, fmt.Sprintf("%s exists: it is no longer planned", d.path))
		case !d.planned && !exists:
			out = append(out, fmt.Sprintf("%s has a direction, but no package", d.path))
		}
	}
	return out
}

func packageFaults(p goPackage) []string {
	name := rel(p.ImportPath)
	i := slices.IndexFunc(directions, func(d direction) bool { return matches(d.path, name) })
	if i < 0 {
		return []string{fmt.Sprintf("%s has no direction: say in this test what it may import, and why", name)}
	}
	var out []string
	for _, imp := range p.Imports {
		allowed := func(pattern string) bool { return matches(pattern, rel(imp)) }
		if !standard(imp) && !slices.ContainsFunc(directions[i].may, allowed) {
			out = append(out, fmt.Sprintf("%s imports %s, but %s", name, rel(imp), directions[i].why))
		}
	}
	for _, b := range bans {
		if !matches(b.path, name) {
			continue
		}
		in := p.Imports
		if b.transitive {
			in = p.Deps
		}
		for _, imp := range in {
			if !matches(b.std, imp) {
				continue
			}
			verb := "depends on"
			if slices.Contains(p.Imports, imp) {
				verb = "imports"
			}
			out = append(out, fmt.Sprintf("%s %s %s, but %s", name, verb, imp, b.why))
		}
	}
	return out
}

// matches reports whether pattern, "x" or "x/...", covers path.
func matches(pattern, path string) bool {
	root, deep := strings.CutSuffix(pattern, "/...")
	return path == root || deep && strings.HasPrefix(path, root+"/")
}

// rel writes a path of this module without the module's name.
func rel(importPath string) string {
	return strings.TrimPrefix(importPath, module+"/")
}

// standard reports whether an import path belongs to the standard library: only
// there can the first element do without a dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// listPackages asks the go command for every package of this module, without the
// workspace: the command is a module of its own, which this one cannot import.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,Deps,GoFiles,TestGoFiles,XTestGoFiles", module+"/...")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
