package config

import (
	"slices"
	"strings"
)

// maxSpelled is the longest word that is compared with known ones.
const maxSpelled = 40

// nearest returns the known word that a word may have been meant to be, "" if
// none is near.
func nearest(word string, known []string) string {
	if len(word) > maxSpelled {
		return ""
	}
	word = strings.ReplaceAll(strings.ToLower(word), "-", "_")
	best, least := "", 3
	for _, k := range known {
		if most := min(least-1, len(k)/3); max(len(word)-len(k), len(k)-len(word)) <= most {
			if d := distance(word, k); d <= most {
				best, least = k, d
			}
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make one word of the other. Both have at most maxSpelled bytes.
func distance(a, b string) int {
	var rows [maxSpelled + 1][maxSpelled + 1]uint8
	for i := range uint8(len(a) + 1) {
		rows[i][0] = i
	}
	for j := range uint8(len(b) + 1) {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			differs := uint8(1)
			if a[i-1] == b[j-1] {
				differs = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differs)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return int(rows[len(a)][len(b)])
}

// glued returns the known key that a key begins with, if a space is missing after its
// colon; "" otherwise.
func glued(key string, known []string) string {
	before, _, cut := strings.Cut(key, ":")
	if cut && slices.Contains(known, before) {
		return before
	}
	return ""
}

// inside returns the first key of a mapping that its owner would have known: the
// author nested what belongs beside it. "" if v is no mapping, or holds no such key.
func inside(v *value, known []string) string {
	for _, p := range v.pairs {
		if p.key.kind == text && slices.Contains(known, p.key.text) {
			return p.key.text
		}
	}
	return ""
}
