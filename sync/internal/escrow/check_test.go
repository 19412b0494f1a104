package escrow

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// scopes are what is explored: in make test one event of each kind less than in make full.
func scopes() map[string]scope {
	s := map[string]scope{
		"two nodes, two windows":       {nodes: 2, windows: 2, limit: 1, most: 1, seqs: 2, resends: 1},
		"three nodes, two batches":     {nodes: 3, windows: 1, limit: 1, most: 1, seqs: 2, resends: 1},
		"repetition":                   {nodes: 2, windows: 1, limit: 2, most: 2, seqs: 3, resends: 2},
		"returns":                      {nodes: 2, windows: 1, limit: 1, most: 1, seqs: 3, resends: 1, returns: true},
		"a crash":                      {nodes: 2, windows: 1, limit: 1, most: 1, seqs: 2, resends: 1, crashes: 1},
		"a loss":                       {nodes: 2, windows: 1, limit: 2, most: 2, seqs: 2, resends: 0, losses: 1},
		"a loss and a crash":           {nodes: 2, windows: 1, limit: 1, most: 1, seqs: 2, losses: 1, crashes: 1},
		"requests larger than thought": {nodes: 2, windows: 1, limit: 2, most: 1, seqs: 2, resends: 1, overruns: true},
		"a bucket":                     {nodes: 2, windows: 3, limit: 30, most: 1, unit: 16, bucket: true, seqs: 1, resends: 1},
		"a bucket of three nodes":      {nodes: 3, windows: 2, limit: 30, most: 1, unit: 16, bucket: true, seqs: 1, resends: 1},
		"a bucket, a loss and a crash": {nodes: 2, windows: 2, limit: 30, most: 1, unit: 16, bucket: true, seqs: 1, losses: 1, crashes: 1},
		"three nodes":                  {nodes: 3, windows: 1, limit: 2, most: 2, seqs: 1, resends: 1},
	}
	if os.Getenv("PLIMSOLL_FULL") != "" {
		s["a loss, a crash and a repetition"] = scope{nodes: 2, windows: 1, limit: 1, most: 1, seqs: 2, resends: 1, losses: 1, crashes: 1}
		s["a bucket, two batches"] = scope{nodes: 2, windows: 3, limit: 30, most: 1, unit: 16, bucket: true, seqs: 2}
		s["a bucket, two batches and a crash"] = scope{nodes: 2, windows: 2, limit: 30, most: 1, unit: 16, bucket: true, seqs: 2, crashes: 1}
		s["two losses"] = scope{nodes: 2, windows: 1, limit: 1, most: 1, seqs: 2, losses: 2}
		s["returns and a loss"] = scope{nodes: 2, windows: 1, limit: 1, most: 1, seqs: 2, returns: true, losses: 1}
		s["returns in two windows"] = scope{nodes: 2, windows: 2, limit: 1, most: 1, seqs: 2, returns: true}
	}
	return s
}

// TestInvariants visits every state that the events of a scope can lead to.
func TestInvariants(t *testing.T) {
	for name, s := range scopes() {
		t.Run(name, func(t *testing.T) {
			x := explore(s, theRules())
			require.Empty(t, x.bad)
			t.Logf("%d states", len(x.seen))
			require.Greater(t, len(x.seen), 1000)
		})
	}
}

// TestMutants: a rule with a fault is found out.
func TestMutants(t *testing.T) {
	type mutant struct {
		scope  string
		mutate func(*rules)
	}
	for name, m := range map[string]mutant{
		"the own ask counts as headroom": {"repetition", func(r *rules) {
			r.total = func(a *Account, limit, total int64, open bool) {
				a.Applied()
				a.Total(limit, total-a.held, open)
			}
		}},
		"everything held is granted": {"repetition", func(r *rules) {
			r.total = func(a *Account, limit, total int64, open bool) { a.Applied(); a.Total(limit+1, total, open) }
		}},
		"a duplicate grants by the last total": {"repetition", func(r *rules) {
			r.duplicate = func(a *Account, limit int64) { a.Applied(); a.Total(limit, a.total+a.held, true) }
		}},
		"a duplicate is forgotten": {"repetition", func(r *rules) {
			r.duplicate = func(a *Account, _ int64) { a.inFlight = parts{} }
		}},
		"a return goes below what is used": {"returns", func(r *rules) {
			r.lower = func(a *Account, _, n int64) { a.Lower(n) }
		}},
		"a return stays granted until it is applied": {"returns", func(r *rules) {
			r.lower = func(a *Account, own, n int64) {
				g := a.granted
				a.Lower(min(n, g-own))
				a.granted = g
			}
		}},
		"a new epoch is taken for the old one": {"a loss", func(r *rules) {
			r.renew = func(a *Account) { a.inFlight = parts{} }
		}},
		"a slice ignores the next": {"a bucket", func(r *rules) {
			r.slice = func(total []int64, j int, limit int64) int64 {
				return sliceRule(append(slices.Clone(total[:j+1]), 0, 0), j, limit)
			}
		}},
		"a slice ignores the one after the next": {"a bucket", func(r *rules) {
			r.slice = func(total []int64, j int, limit int64) int64 {
				return sliceRule(append(slices.Clone(total[:j+2]), 0), j, limit)
			}
		}},
		"a slice ignores the one before": {"a bucket", func(r *rules) {
			r.slice = func(total []int64, j int, limit int64) int64 { return limit }
		}},
		"nodes grant before all have added theirs": {"a loss", func(r *rules) { r.holds = false }},
		"the store knows no batch":                 {"repetition", func(r *rules) { r.marks = false }},
		"a batch in doubt is given up":             {"repetition", func(r *rules) { r.keeps = false }},
	} {
		t.Run(name, func(t *testing.T) {
			r := theRules()
			m.mutate(&r)
			x := explore(scopes()[m.scope], r)
			require.NotEmpty(t, x.bad)
			t.Log(x.bad)
		})
	}
}
