package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// Count is a number of requests and of tokens.
type Count struct{ Requests, Tokens int64 }

func countOf(t window.Tally) Count { return Count{t.Requests, t.Tokens} }

func (a Count) plus(b Count) Count { return Count{a.Requests + b.Requests, a.Tokens + b.Tokens} }

func (a Count) minus(b Count) Count { return Count{a.Requests - b.Requests, a.Tokens - b.Tokens} }

// atLeast returns a where it is not below b, else b.
func (a Count) atLeast(b Count) Count {
	return Count{max(a.Requests, b.Requests), max(a.Tokens, b.Tokens)}
}

func (a Count) tally(id string, start int64) window.Tally {
	return window.Tally{ID: id, Start: start, Requests: a.Requests, Tokens: a.Tokens}
}
