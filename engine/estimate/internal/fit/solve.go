package main

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"
)

type vector [scan.Kinds]float64

// fit returns, for each encoding, the weights that estimate the documents that
// are not held out with the least error. The error is relative, and a kind of document
// counts with its importance however many there are. Errors count with their size rather than
// its square, which a few odd documents would dominate: each round weighs a
// document by the inverse of its error in the round before.
func fit(docs []document) [len(encodings)]vector {
	var chosen []*document
	var counts [len(encodings)][]*scan.Counts
	perKind := map[string]float64{}
	for i := range docs {
		if d := &docs[i]; !d.heldOut {
			chosen = append(chosen, d)
			for enc := range encodings {
				c := scan.Count(d.text, known[enc])
				counts[enc] = append(counts[enc], &c)
			}
			perKind[d.kind] += share(d)
		}
	}
	var out [len(encodings)]vector
	for enc := range encodings {
		w := guess()
		for round := range 8 {
			s := newSystem()
			for i, d := range chosen {
				y := float64(d.exact[enc])
				weight := importance(d.kind) * share(d) / perKind[d.kind]
				if round > 0 {
					weight *= 0.03 / math.Max(math.Abs(dot(counts[enc][i], &w)/y-1), 0.01)
				}
				s.add(counts[enc][i], y, weight)
			}
			s.solve(&w)
		}
		out[enc] = w
	}
	return out
}

// importance is the weight of a kind of document. English, code and JSON are
// most of what is sent to models, and words of Latin letters in
// other languages must not spoil them.
func importance(kind string) float64 {
	switch kind {
	case "english", "code", "json":
		return 6
	}
	return 1
}

// share is the weight of a document within its kind: a long one has more tokens to learn from.
func share(d *document) float64 { return math.Sqrt(float64(min(len(d.text), 16<<10))) }

func dot(c *scan.Counts, w *vector) float64 {
	var sum float64
	for k, n := range c {
		if n != 0 {
			sum += float64(n) * w[k]
		}
	}
	return sum
}

// A system is the normal equations of a least squares problem.
type system struct {
	gram  [scan.Kinds]vector
	right vector
}

func newSystem() *system { return new(system) }

// add adds the wish that counts, weighed, give y, as accurately as weight says.
func (s *system) add(c *scan.Counts, y, weight float64) {
	var at [scan.Kinds]int
	n := 0
	for k, v := range c {
		if v != 0 {
			at[n] = k
			n++
		}
	}
	scale := weight / (y * y)
	for _, i := range at[:n] {
		f := float64(c[i]) * scale
		s.right[i] += f * y
		row := &s.gram[i]
		for _, j := range at[:n] {
			row[j] += f * float64(c[j])
		}
	}
}

// solve finds the weights, none negative, that satisfy the wishes best. A kind
// that the documents say little about stays near its guess.
func (s *system) solve(w *vector) {
	prior := guess()
	*w = prior
	const pull = 2e-7
	var seen []int
	for i := range w {
		if s.gram[i][i] > 0 {
			seen = append(seen, i)
		}
	}
	for range 3000 {
		var moved float64
		for _, i := range seen {
			row := &s.gram[i]
			rest := s.right[i] + pull*prior[i]
			for _, j := range seen {
				rest -= row[j] * w[j]
			}
			next := math.Max(0, w[i]+(rest-pull*w[i])/(row[i]+pull))
			moved = math.Max(moved, math.Abs(next-w[i]))
			w[i] = next
		}
		if moved < 1e-5 {
			return
		}
	}
}

// guess returns what the weights would be without any document.
func guess() (w vector) {
	for k := range w {
		w[k] = scan.Guess(k)
	}
	return w
}
