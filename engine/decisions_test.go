package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	recordLink = regexp.MustCompile(`\]\((\d{4})-[\w-]+\.md\)`)
	replacedBy = regexp.MustCompile(`(?:superseded|replaced)\s+by\s+\[(\d{4})\]`)
	indexRow   = regexp.MustCompile(`(?m)^\| \[(\d{4})\]\([^)]*\) \|.*\| (.*) \|$`)
	testRun    = regexp.MustCompile("`go test ([^`]*)`")
)

// TestDecisionsNameEachOther: two decisions of which one changes the other name each other in
// their status, and the index says which are replaced.
func TestDecisionsNameEachOther(t *testing.T) {
	status, index := map[string]string{}, map[string]string{}
	for number, text := range decisions(t) {
		_, rest, ok := strings.Cut(text, "\n\n")
		require.True(t, ok, number)
		status[number], _, _ = strings.Cut(rest, "\n\n")
		require.Contains(t, status[number], "Status:", number)
	}
	text, err := os.ReadFile("../docs/adr/README.md")
	require.NoError(t, err)
	for _, m := range indexRow.FindAllStringSubmatch(string(text), -1) {
		index[m[1]] = m[2]
	}
	for number, s := range status {
		for _, m := range recordLink.FindAllStringSubmatch(s, -1) {
			assert.Contains(t, status[m[1]], "]("+number+"-", "%s names %s, whose status does not name it", number, m[1])
		}

		for _, m := range replacedBy.FindAllStringSubmatch(s, -1) {
			assert.Contains(t, index[number], m[1], "%s in the index", number)
		}
	}
}

// TestDecisionsNameTestsThatExist: the commands of the decisions find a test in the package
// that they name.
func TestDecisionsNameTestsThatExist(t *testing.T) {
	tests := 0
	for number, text := range decisions(t) {
		for _, m := range testRun.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1])
			pkg, run := "", ""
			for i, w := range words {
				switch {
				case w == "-run":
					run = strings.Trim(words[i+1], "'")
				case strings.HasPrefix(w, "./"):
					pkg = strings.TrimSuffix(w, "/...")
				}
			}
			if run == "" || run == "^$" || pkg == "" {
				continue
			}
			tests++
			_, names := declared(t, filepath.Join("..", pkg))
			is, found := regexp.MustCompile(run), false
			for name := range names {
				found = found || is.MatchString(name) && regexp.MustCompile(`^(Test|Fuzz)`).MatchString(name)
			}
			assert.True(t, found, "%s names go test %s, which finds no test", number, m[1])
		}
	}
	require.Greater(t, tests, 10)
}

// decisions returns the texts of docs/adr by number.
func decisions(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../docs/adr/[0-9]*.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all[filepath.Base(name)[:4]] = string(text)
	}
	require.NotEmpty(t, all)
	return all
}
