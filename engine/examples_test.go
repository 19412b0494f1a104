//go:build !race

package engine_test

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEveryEntryPointHasAnExample: an example calls each exported function and method of the
// public packages, except those that code calls by an interface. Names are compared, types are not.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	shown := usedNames(t).selected[""]
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
