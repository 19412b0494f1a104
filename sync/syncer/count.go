package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// Count is a number of requests and of tokens. Input and Output are the parts of Tokens;
// they are counted only where a limit is on them, and are 0 elsewhere.
type Count struct{ Requests, Tokens, Input, Output int64 }

func countOf(t window.Tally) Count { return Count{t.Requests, t.Tokens, t.Input, t.Output} }

// list returns the counts in the order of Count's fields.
func (a Count) list() [4]int64 { return [4]int64{a.Requests, a.Tokens, a.Input, a.Output} }

func countFrom(l [4]int64) Count { return Count{l[0], l[1], l[2], l[3]} }

func (a Count) plus(b Count) Count {
	return Count{a.Requests + b.Requests, a.Tokens + b.Tokens, a.Input + b.Input, a.Output + b.Output}
}

func (a Count) minus(b Count) Count { return a.plus(b.times(-1)) }

func (a Count) times(n int64) Count {
	return Count{n * a.Requests, n * a.Tokens, n * a.Input, n * a.Output}
}

// atLeast returns the larger of a and b, count by count.
func (a Count) atLeast(b Count) Count {
	return Count{max(a.Requests, b.Requests), max(a.Tokens, b.Tokens), max(a.Input, b.Input), max(a.Output, b.Output)}
}

func (a Count) magnitude() Count { return a.atLeast(a.times(-1)) }

// which returns the counts that are not 0.
func (a Count) which() (c Counts) {
	for i, n := range a.list() {
		if n != 0 {
			c |= 1 << i
		}
	}
	return c
}

func (a Count) tally(u *usage) window.Tally {
	return window.Tally{
		ID: u.d.id, Start: u.start, Kind: u.kind, Requests: a.Requests, Tokens: a.Tokens, Input: a.Input, Output: a.Output,
	}
}
