package provider

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// sliding is a rule that looks back a minute from every instant.
type sliding struct{ requests, tokens trailing }

// NewSliding returns a rule that counts exactly what came in the 60 s before
// each instant: a call's request and input tokens from when it is admitted, its
// output tokens from when it ends. A refused call is not counted; Retry-After is
// when the call would fit, or a minute if it never does.
func NewSliding(d Deployment) Rule {
	return &sliding{trailing{limit: d.RPM}, trailing{limit: d.TPM}}
}

// Charge implements [Rule].
func (s *sliding) Charge(r trace.Request) int64 { return r.Input }

// Admit implements [Rule].
func (s *sliding) Admit(now time.Time, r trace.Request) (retryAfter time.Duration, ok bool) {
	if wait := max(s.requests.wait(now, 1), s.tokens.wait(now, r.Input)); wait > 0 {
		return wholeSeconds(wait), false
	}
	s.requests.add(now, 1)
	s.tokens.add(now, r.Input)
	return 0, true
}

// End implements [Rule].
func (s *sliding) End(now time.Time, r trace.Request) { s.tokens.add(now, r.Output) }

// State implements [Rule].
func (s *sliding) State(now time.Time) State {
	return State{s.requests.account(now), s.tokens.account(now)}
}

// trailing is one limit, and what was used within the last minute.
type trailing struct {
	limit int64 // as of [Deployment]
	uses  []use // in order of time; those before first are over
	first int
	sum   int64
}

type use struct {
	at time.Time
	n  int64
}

// forget takes out what is a minute old.
func (t *trailing) forget(now time.Time) {
	for t.first < len(t.uses) && now.Sub(t.uses[t.first].at) >= time.Minute {
		t.sum -= t.uses[t.first].n
		t.first++
	}
	if t.first > len(t.uses)/2 {
		t.uses = append(t.uses[:0], t.uses[t.first:]...)
		t.first = 0
	}
}

func (t *trailing) add(now time.Time, n int64) {
	t.forget(now)
	if n == 0 {
		return
	}
	t.uses = append(t.uses, use{now, n})
	t.sum += n
}

// wait returns how long until n fit; 0 if they do.
func (t *trailing) wait(now time.Time, n int64) time.Duration {
	t.forget(now)
	left := t.sum + n
	if fits(left, t.limit) {
		return 0
	}
	for _, u := range t.uses[t.first:] {
		if left -= u.n; fits(left, t.limit) {
			return u.at.Add(time.Minute).Sub(now)
		}
	}
	return time.Minute
}

func (t *trailing) account(now time.Time) Account {
	t.forget(now)
	a := Account{Limit: t.limit, Left: max(0, t.limit) - t.sum}
	if last := len(t.uses) - 1; last >= t.first {
		a.Reset = t.uses[last].at.Add(time.Minute).Sub(now)
	}
	return a
}
