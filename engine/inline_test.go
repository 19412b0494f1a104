//go:build !race

package engine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hotFunction is a function of the hot path and the calls in it that the compiler may
// leave as calls. Every other call in it has to be inlined.
type hotFunction struct {
	dir, file, name string
	calls           []string // in order of the source; the comment gives the reason of each
}

var hotFunctions = []hotFunction{
	// The scan of a search.
	{dir: "internal/order", file: "scan.go", name: "LowestTokens"},
	{dir: "internal/order", file: "scan.go", name: "LowestUtil"},
	{dir: ".", file: "keys.go", name: "key", calls: []string{"used", "weighed"}},               // a column; minutes that end apart
	{dir: ".", file: "keys.go", name: "keys", calls: []string{"ratios", "ratios", "weighed"}},  // columns, with the amounts and without; minutes that end apart, or calls that fail
	{dir: ".", file: "keys.go", name: "ratios", calls: []string{"add"}},                        // a column
	{dir: ".", file: "column.go", name: "add", calls: []string{"LookTimed", "Window", "Used"}}, // limits of the clock
	{dir: "internal/counter", file: "pair.go", name: "Look"},
	{dir: "internal/counter", file: "pair.go", name: "LookBoth"},
	{dir: "internal/counter", file: "limit.go", name: "LookOwned"},
	{dir: ".", file: "scan.go", name: "lowestOf", calls: []string{"lowest", "key", "fits"}},             // the scan; one deployment of a mask
	{dir: ".", file: "scan.go", name: "fits", calls: []string{"fitsLimits", "Fits"}},                    // other limits; a class's part of the caps
	{dir: ".", file: "scan.go", name: "fitsLimits", calls: []string{"countOn", "Fits", "Fits"}},         // amounts by rates; the pair; a limit
	{dir: ".", file: "scan.go", name: "drawEqual", calls: []string{"random", "mask", "hasKey", "fits"}}, // one draw; tags; a tied deployment
	{dir: ".", file: "searchindexed.go", name: "searchIndexed", calls: []string{"LowestBounds", "random", "key", "fits", "allows", "drawTied", "lowestUsable", "Raise", "key", "drawEqual", "fits", "allows"}}, // the scan of bounds, ties, the scan of a block
	// Take.
	{dir: ".", file: "admit.go", name: "acquireBest", calls: []string{"best", "expected", "TakeTokens", "undo"}},       // the scan; demands that name no output; a loop; a lost race
	{dir: ".", file: "charge.go", name: "charge", calls: []string{"chargeLimits", "TakeTokens", "raiseAfter", "undo"}}, // other limits; a loop; large tiers; a lost race
	{dir: "internal/counter", file: "pair.go", name: "TakeTokens"},
	{dir: "internal/counter", file: "pair.go", name: "TakeRequest", calls: []string{"take"}}, // a loop, shared with CountRequest
	{dir: "internal/counter", file: "pair.go", name: "take"},
	// Take of limits beside the pair.
	{dir: ".", file: "charge.go", name: "chargeLimits", calls: []string{"countOn", "Fits", "plan", "fits", "TakeTokens", "take", "raiseAfter", "give", "undo"}}, // amounts; steps that are planned; loops; large tiers; a lost race
	{dir: ".", file: "limits.go", name: "take", calls: []string{"Take", "Do", "give", "NotBefore"}},                                                             // one limit; a refusal; a clock that was set back
	{dir: ".", file: "limits.go", name: "plan", calls: []string{"Plan"}},                                                                                        // one limit
	{dir: "internal/counter", file: "limit.go", name: "Take", calls: []string{"Plan", "Do"}},                                                                    // what a plan needs too
	{dir: "internal/counter", file: "limit.go", name: "Plan", calls: []string{"plan", "Window", "capIn"}},                                                       // a bucket; hours, days and spans; a class's part, a grant
	{dir: "internal/counter", file: "limit.go", name: "Do", calls: []string{"Plan", "note", "add"}},                                                             // a lost race; a bucket; a lowered grant
	{dir: "internal/counter", file: "limit.go", name: "add"},
	{dir: "internal/counter", file: "bucket.go", name: "plan", calls: []string{"units"}}, // a division for large charges
	// PreCheck and Record.
	{dir: ".", file: "precheck.go", name: "preChecked", calls: []string{"TryRequest"}}, // a loop
	{dir: "internal/counter", file: "pair.go", name: "TryRequest"},
	{dir: ".", file: "record.go", name: "record", calls: []string{"recordAny"}}, // what is not plain
	// Settle.
	{dir: ".", file: "lease.go", name: "Settle", calls: []string{"refusedUpstream", "clamped", "settle", "final", "changeObserved", "adjust", "add", "add", "end", "learn"}}, // one each for what the lease is of, then its end, and a sample
	{dir: ".", file: "lease.go", name: "end", calls: []string{"Add", "freeGauge", "end"}},                                                                                    // held tokens, where tracked; limits on leases; a caller
	{dir: ".", file: "count.go", name: "add", calls: []string{"catchUp", "capacityFreed", "await"}},                                                                          // an idle group; a refund; a turn under way
	{dir: "internal/counter", file: "pair.go", name: "AddTokens"},
	{dir: "internal/counter", file: "flight.go", name: "End"},
	{dir: ".", file: "limits.go", name: "adjust", calls: []string{"allowed", "Return", "Adjust", "over"}},                                     // figures; reservations of the provider; one limit; tokens above it
	{dir: "internal/counter", file: "limit.go", name: "Adjust", calls: []string{"Refund", "Add", "add", "Window", "current", "add", "Count"}}, // a bucket; leases; hours, days and spans; a window that has passed
}

var inlined = regexp.MustCompile(`([^/\s]+\.go:\d+:\d+): inlining call to`)

// inlinedCalls returns where the compiler has inlined a call of a package, as file:line:column of
// its opening parenthesis.
func inlinedCalls(t *testing.T, dir string) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "build", "-gcflags=-m", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	at := map[string]bool{}
	for _, m := range inlined.FindAllStringSubmatch(string(out), -1) {
		at[m[1]] = true
	}
	require.NotEmpty(t, at, "the compiler reports no inlined call")
	return at
}

// TestHotCallsAreInlined reads what the compiler inlines. A function that outgrows the
// compiler's budget turns a load in the scan into a call, which no other test notices.
func TestHotCallsAreInlined(t *testing.T) {
	at := map[string]map[string]bool{}
	for _, f := range hotFunctions {
		if at[f.dir] == nil {
			at[f.dir] = inlinedCalls(t, f.dir)
		}
		left, found := leftCalls(t, &f, at[f.dir])
		assert.True(t, found, "%s has no function %s", f.file, f.name)
		assert.Equal(t, f.calls, left, "calls in %s of %s that are not inlined", f.name, f.file)
	}
}

// leftCalls returns the calls in a function that are not inlined, in order.
func leftCalls(t *testing.T, f *hotFunction, inlined map[string]bool) (left []string, found bool) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, filepath.Join(f.dir, f.file), nil, 0)
	require.NoError(t, err)
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != f.name {
			continue
		}
		found = true
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := calleeName(c)
			p := fset.Position(c.Lparen)
			if !builtinCalls[name] && !inlined[fmt.Sprintf("%s:%d:%d", f.file, p.Line, p.Column)] {
				left = append(left, name)
			}
			return true
		})
	}
	return left, found
}

// builtinCalls are conversions, built-in functions and intrinsics, which are no calls.
var builtinCalls = map[string]bool{
	"min": true, "max": true, "len": true, "clear": true, "uint64": true, "int64": true, "int": true, "Mul64": true, "TrailingZeros16": true,
	"Ending": true,
}

func calleeName(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return strings.TrimSpace(fmt.Sprintf("%T", c.Fun))
}
