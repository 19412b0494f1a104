package page

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

const (
	// allOpen is up to how many deployments are all shown at first.
	allOpen = 40
	// rowsOfGroup is how many rows an open group has, the fullest ones; a search finds the
	// others.
	rowsOfGroup = 50
	maxSearch   = 100 // bytes
)

// choice is what a viewer wants to see.
type choice struct {
	open    map[string]bool // keys of groups; nil = as the page thinks best
	search  string          // in lower case; "" = everything
	fullest bool            // first
	sorted  bool            // said so
}

func choiceOf(r *http.Request) choice {
	q := r.URL.Query()
	c := choice{search: strings.ToLower(q.Get("q")), fullest: q.Get("sort") == "fullest", sorted: q.Has("sort")}
	if len(c.search) > maxSearch {
		c.search = c.search[:maxSearch]
	}
	if q.Has("open") {
		c.open = map[string]bool{}
		for key := range strings.SplitSeq(q.Get("open"), ",") {
			c.open[key] = true
		}
	}
	return c
}

// keyOf stands for a name in the page, which must not show it where it is masked.
func keyOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}
