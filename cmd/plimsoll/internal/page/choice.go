package page

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

const (
	// allOpen is the number of deployments up to which the page shows all of them at first.
	allOpen = 40
	// rowsOfGroup is the largest number of rows of an open group: those of its fullest
	// deployments. A search finds the others.
	rowsOfGroup = 50
	maxSearch   = 100 // bytes
)

// choice is a viewer's selection.
type choice struct {
	open    map[string]bool // keys of open groups; nil = the page decides
	search  string          // in lower case; "" = everything
	fullest bool            // fullest deployments first
	sorted  bool            // the viewer has chosen the order
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

// keyOf returns the key that stands for a name in the page's HTML, because masked names must
// not appear there.
func keyOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}
