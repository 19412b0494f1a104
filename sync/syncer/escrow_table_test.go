package syncer_test

import "fmt"

// escrowRow is what became of one limit on so many nodes, by the way in which requests arrive.
type escrowRow map[string]*escrowOutcome

// escrowHead is the head of the table of docs/PROTOCOL.md whose rows -escrow.table prints. Of
// what stays unused, what one node leaves that has the limit for itself is in brackets.
const escrowHead = `| limit | nodes | beyond the limit | unused: steady, skew, moving | burst | burst, callers come back | steady: waited, mean wait | burst: waited, in vain, mean wait | 0.8 of the limit: waited |
|---|---|---|---|---|---|---|---|---|`

// row returns a row of the table.
func (r escrowRow) row(limit string, nodes int) string {
	var over, under, floor float64
	for _, o := range r {
		over = max(over, o.over)
	}
	for _, way := range []string{"steady", "skew", "moving"} {
		u, f := r[way].unused()
		under, floor = under+u/3, floor+f/3
	}
	s, b := r["steady"], r["burst"]
	pair := func(u, f float64) string { return fmt.Sprintf("%.2f (%.2f)", u, f) }
	return fmt.Sprintf("| %s | %d | %.2f %% | %s | %s | %s | %.1f %%, %.2f | %.0f %%, %.0f %%, %.2f | %.1f %% |",
		limit, nodes, over, pair(under, floor), pair(b.unused()), pair(r["returning"].unused()),
		s.part(s.waited), s.meanWait(), b.part(b.waited), b.part(b.vain), b.meanWait(), r["easy"].part(r["easy"].waited))
}

// unused returns what stayed unused of the limit, and what one node leaves.
func (o *escrowOutcome) unused() (under, floor float64) {
	w := float64(o.windows)
	return o.under / w, o.floor / w
}

// part returns a part of all requests in percent.
func (o *escrowOutcome) part(n int) float64 { return 100 * float64(n) / float64(max(o.requests, 1)) }
