package fuzz

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// mgate is the model of when a deployment takes requests.
type mgate struct {
	cool          int64         // until then it cools down; 0 = not
	length        time.Duration // of that
	began         int64         // when it began; 0 = never
	wary          bool          // one request goes first afterwards
	since, until  int64         // half-open; until 0 = not
	span          int64         // of that
	first         bool          // a request has gone first
	fails, failed int64         // how many in a row; when, or the end of the cooldown
}

// at moves the gate on to an instant.
func (g *mgate) at(now int64) {
	if g.cool != 0 && g.cool <= now {
		if g.wary {
			g.span = int64(min(max(g.length, time.Second), 10*time.Second))
			g.since, g.until = g.cool, g.cool+g.span
			g.first, g.wary = false, false
		}
		g.cool = 0
	}
	for g.until != 0 && g.until <= now {
		if g.until += g.span; g.first { // it has waited for an answer long enough
			g.until = 0
		}
	}
}

func (g *mgate) chill(now int64, d time.Duration) {
	if until := now + int64(d); until > g.cool {
		g.cool, g.length, g.wary, g.until = until, d, true, 0
		g.began, g.failed = now, max(g.failed, until)
	}
}

// observe draws the conclusions of an answer to a request sent at an instant;
// spare says that another deployment takes requests.
func (g *mgate) observe(s provider.Signal, sent, now int64, spare bool) {
	early := g.began != 0 && sent <= g.began // the cooldown follows a refusal of the same burst
	switch s.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		if !early && g.cool == 0 && (g.until == 0 || sent >= g.since) {
			g.fails, g.until = 0, 0
		}
		return
	case provider.RateLimit, provider.NoMoney, provider.Overloaded, provider.Other:
	}
	if !early {
		g.fails = max(g.fails-max(now-g.failed, 0)/minute, 0) + 1
		g.failed = max(g.failed, now)
	}
	switch {
	case s.RetryAfter > 0:
		g.chill(now, s.RetryAfter)
	case early:
	case s.Kind == provider.NoMoney && spare:
		g.chill(now, 10*time.Minute)
	case s.Kind == provider.NoMoney:
		g.chill(now, time.Minute)
	case spare && (s.Kind != provider.Other || g.fails > 1 || g.until != 0):
		g.chill(now, min(time.Second<<min(g.fails-1, 10), 30*time.Second))
	}
}

// take reports whether a request is taken, and notes it.
func (g *mgate) take() bool {
	if g.cool != 0 || g.until != 0 && g.first {
		return false
	}
	g.first = g.until != 0
	return true
}

// TestGateModel plays random answers to an engine and to the model: whether a
// deployment takes a request is the same, always.
func TestGateModel(t *testing.T) {
	type mark struct {
		mark engine.Mark
		sent int64
		on   int
	}
	for seed := range uint64(scale(400)) {
		r := rand.New(rand.NewPCG(seed, 5))
		v := newVirtual()
		n := 1 + r.IntN(3)
		e := start(t, v, engine.LeastUtilized, same(n, "g", lots))
		gates := make([]mgate, n)
		refs := make([]engine.Ref, n)
		for i := range refs {
			var err error
			refs[i], err = e.Ref(e.AppendStates(nil)[i].ID)
			require.NoError(t, err)
			refs[i].Mark()
		}
		var marks []mark
		for step := range 400 {
			now := v.ns.Load()
			i := r.IntN(n)
			for k := range gates {
				gates[k].at(now)
			}
			switch r.IntN(4) {
			case 0:
				v.add(time.Duration(r.IntN(2_000)) * 3 * time.Millisecond)
			case 1:
				want := gates[i].take()
				require.Equal(t, want, refs[i].PreCheck(engine.Demand{}), "seed %d step %d: %+v", seed, step, gates[i])
				if want {
					marks = append(marks, mark{refs[i].Mark(), now, i})
				}
			default:
				s := noisy(r)
				s = provider.Signal{Kind: s.Kind, Worked: s.Worked, Weak: s.Weak, RetryAfter: s.RetryAfter}
				if s.RetryAfter%time.Second == 0 {
					s.RetryAfter = 0 // one in whole seconds may end with its minute
				}
				m := mark{on: i, sent: now}
				if len(marks) > 0 && r.IntN(4) != 0 {
					m = marks[r.IntN(len(marks))]
				}
				spare := false
				for k := range gates {
					spare = spare || k != m.on && gates[k].cool == 0
				}
				refs[m.on].Observe(s, m.mark)
				gates[m.on].observe(s, min(now, m.sent/1e6*1e6+1e6-1), now, spare) // a mark knows the millisecond
			}
		}
	}
}
