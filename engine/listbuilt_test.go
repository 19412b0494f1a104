//go:build !race

package engine_test

import (
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// builtPackage is the part of `go list -export -json` used here.
type builtPackage struct {
	ImportPath, Export, Dir            string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// listBuilt returns the packages under this module's path that match the patterns, or that one of
// these imports, and an importer of all packages that the go command has built for them. Env is
// added to the environment.
func listBuilt(t *testing.T, fset *token.FileSet, env []string, patterns ...string) (own []builtPackage, imports types.Importer) {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,TestGoFiles,XTestGoFiles"}, patterns...)...)
	list.Env = append(os.Environ(), env...)
	out, err := list.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p builtPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module) {
			own = append(own, p)
		}
	}
	return own, importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}
