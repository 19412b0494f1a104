package lab

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// A bound is a greedy policy that sees what providers have counted and how long answers
// will be, without a network and without failures. It is no strict bound: a policy that
// looks ahead, or lets calls wait, may serve more.

// clairvoyant returns a bound; patience is how long its calls may wait.
func clairvoyant(rank replay.Sight, patience time.Duration) NewPolicy {
	return func(s *Setting) (Policy, error) {
		return &foresight{sim: s.sim, rank: rank, patience: patience}, nil
	}
}

type foresight struct {
	sim      *simulation
	rank     replay.Sight
	patience time.Duration
	states   []rule.State
}

// again is the time between two attempts of a bound whose call waits.
const again = 50 * time.Millisecond

// Admit implements [Policy].
func (p *foresight) Admit(number uint64, r trace.Request, _ []int, answer func(Attempt)) {
	p.admit(number, r, p.sim.now+int64(p.patience), answer)
}

func (p *foresight) admit(number uint64, r trace.Request, until int64, answer func(Attempt)) {
	s := p.sim
	place, best := -1, 0.0
	for i, d := range s.deployments {
		d.adjust(s.now)
		q := d.call(r, number)
		if !d.account.Fits(s.now, q) {
			continue
		}
		p.states = d.account.AppendStates(p.states[:0], s.now)
		if rank := p.rank(p.states, s.world.charged(q)); place < 0 || rank > best {
			place, best = i, rank
		}
	}
	switch {
	case place >= 0:
		answer(foreseen{place: place})
	case s.now >= until:
		answer(nil)
	default:
		s.after(again, func() { p.admit(number, r, until, answer) })
	}
}

type foreseen struct {
	withoutHeaders
	place int
}

// Deployment implements [Attempt].
func (a foreseen) Deployment() int { return a.place }

// Served implements [Attempt].
func (foreseen) Served(trace.Request, int64) {}

// Refused implements [Attempt].
func (foreseen) Refused(time.Duration) {
	panic("lab: a clairvoyant was refused: what it sees is not the provider's count")
}

// Failed implements [Attempt].
func (foreseen) Failed(int) { panic("lab: a call of a clairvoyant failed") }

// softSight is the clairvoyant of the operator's own caps: it plans the input of a call in
// the minute in which it begins and its output in the one in which it ends, and takes the
// deployment with the most left of those two.
type softSight struct {
	sim     *simulation
	planned []map[int64]int64 // by place and minute of UTC, in tokens
}

func newSoftSight(s *Setting) (Policy, error) {
	p := &softSight{sim: s.sim}
	for range s.sim.deployments {
		p.planned = append(p.planned, map[int64]int64{})
	}
	return p, nil
}

// Admit implements [Policy].
func (p *softSight) Admit(number uint64, r trace.Request, _ []int, answer func(Attempt)) {
	now := p.sim.now
	place, best := -1, int64(0)
	var bestEnd int64
	for i, d := range p.sim.deployments {
		_, all := d.times(r, number, 1)
		end := (now + int64(all)) / minute
		here, there := p.planned[i][now/minute]+r.Input, p.planned[i][end]+r.Output
		if end == now/minute {
			here += r.Output
			there = here
		}
		if used := max(here, there) * 1000 / d.TPM; used <= 1000 && (place < 0 || used < best) {
			place, best, bestEnd = i, used, end
		}
	}
	if place < 0 {
		answer(nil)
		return
	}
	p.planned[place][now/minute] += r.Input
	p.planned[place][bestEnd] += r.Output
	answer(foreseen{place: place})
}
