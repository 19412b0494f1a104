package model

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// gate is when a deployment takes requests, as docs/PROVIDERS.md says it.
type gate struct {
	cool, began int64         // until when it cools down, 0 = not; since when
	length      time.Duration // of the cooldown
	wary        bool          // a refusal began it
	money       bool          // an empty account did
	half        int64         // half-open since; 0 = not
	until, span int64         // how long it waits for an answer
	first       bool          // one has gone first
	row, rest   int64         // refusals in a row; since when there was none
	// vague: a request was given back that a clock which was set back dates after the
	// cooldown, though it was sent before. Whether another may go first is not said.
	vague bool
}

// tick moves the gate on.
func (g *gate) tick(now int64) {
	if g.cool != 0 && g.cool <= now {
		if g.wary {
			g.span = int64(min(max(g.length, time.Second), 10*time.Second))
			g.half, g.until, g.first, g.vague = g.cool, g.cool+g.span, false, false
		}
		g.cool, g.wary = 0, false
	}
	for g.half != 0 && g.until <= now {
		if g.first {
			g.half, g.money = 0, false
			return
		}
		g.until += g.span
	}
}

func (g *gate) open() bool { return g.cool == 0 && (g.half == 0 || !g.first) }

func (g *gate) close(now int64, d time.Duration, money bool) {
	if now+int64(d) > g.cool {
		g.cool, g.began, g.length, g.wary, g.money, g.half = now+int64(d), now, d, true, money, 0
		g.rest, g.vague = max(g.rest, g.cool), false
	}
}

func (g *gate) clear() { *g = gate{rest: g.rest} }

// good is a good answer to a request sent at an instant.
func (g *gate) good(sent int64) {
	if g.cool == 0 && (g.half == 0 || sent >= g.half) && (g.began == 0 || sent > g.began) {
		g.row, g.half, g.money, g.vague = 0, 0, false, false
	}
}

// answer takes in what became of a request; spare says that another deployment of
// the group takes requests.
func (g *gate) answer(s provider.Signal, sent, now int64, spare bool) {
	switch s.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		g.good(sent)
		return
	case provider.RateLimit, provider.NoMoney, provider.Overloaded, provider.Other:
	}
	burst := g.began != 0 && sent <= g.began
	if !burst {
		g.row = max(g.row-max(now-g.rest, 0)/minute, 0) + 1
		g.rest = max(g.rest, now)
	}
	money := s.Kind == provider.NoMoney
	switch {
	case s.RetryAfter > 0:
		g.close(now, s.RetryAfter, money)
	case burst:
	case money && spare:
		g.close(now, 10*time.Minute, true)
	case money:
		g.close(now, time.Minute, true)
	case !spare, s.Kind == provider.Other && g.row < 2 && g.half == 0:
	default:
		g.close(now, min(time.Second<<min(g.row-1, 10), 30*time.Second), false)
	}
}
