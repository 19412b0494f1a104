package syncer

import (
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// lookAhead is how long before a window begins its modes are looked up, where nodes are
	// configured for other modes, and remembered is for how long they count as that.
	lookAhead  = time.Second
	remembered = 10 * time.Minute
)

// agreement is in which modes the nodes keep a window's limits together. The store fixes it
// by the first node that asks, until the window ends.
type agreement struct {
	wants Held // what this node asks for; 0 = not decided yet
	held  Held // what holds; 0 = the store has not said it
}

// escrow returns which counts are held by escrow, as far as is known.
func (a agreement) escrow() Counts { return a.agreed().Escrow() }

// agreed returns what to ask for in a new epoch: what has held.
func (a agreement) agreed() Held {
	if a.held.Said() {
		return a.held
	}
	return a.wants
}

// modesOf returns how this node is configured to keep a deployment's limits together. Auto
// keeps a bucket by usage.
func (s *Syncer) modesOf(id string, kind window.Kind) Modes {
	m := AllModes(s.cfg.Mode)
	if s.cfg.Modes != nil {
		m = s.cfg.Modes(id, kind)
	}
	if kind == window.KindSlice {
		return m.without(Auto)
	}
	return m
}

// wanted returns which counts of a window this node would hold by escrow.
func (s *Syncer) wanted(u *usage) Held {
	if s.reserver == nil {
		return HeldBy(0)
	}
	c := Counts(0)
	for i, mode := range u.d.modes[u.kind].list() {
		if mode == Escrow || mode == Auto && u.d.auto.escrow(&u.d.demand, i, u.limit(i), s.nodeCount()) {
			c |= 1 << i
		}
	}
	return HeldBy(c)
}

// asksHeld returns what a batch asks of a window's modes: nothing once they are known. They
// are fixed with the window's first delta; a node in escrow mode whose fleet has others does
// it before the window begins.
func (s *Syncer) asksHeld(b *bucket, u *usage, delta bool, now int64) Held {
	d := u.d
	if b.epoch == 0 || u.held.Said() || !u.runs(now) || d.loose[u.kind] || u.limits() == (Count{}) {
		return 0
	}
	if u.wants == 0 {
		u.wants = s.wanted(u)
	}
	switch differed := d.differed(now); {
	case delta, differed && u.wants.Escrow() != 0:
		return u.wants
	case differed, u.at == 0, u.asked && u.wants.Escrow() != 0:
		return HeldBefore
	}
	return 0
}

// undecided reports whether the modes of a window that begins soon are to be looked up, so
// that this node follows them from its start.
func (u *usage) undecided(now int64) bool {
	return u.d.differed(now) && !u.held.Said() && (u.wants.Escrow() != 0 || time.Duration(u.start*1e9-now) <= lookAhead)
}

// agree takes in which counts of a window the nodes hold by escrow. It comes before the
// totals of the same answer.
func (s *Syncer) agree(u *usage, h Held, now int64) {
	if !h.Said() || u.held.Said() {
		return
	}
	d := u.d
	u.held = h
	d.auto.follow(&d.demand, h)
	if u.differs() {
		d.differs = now
	}
	if u.differs() && s.news("mode "+d.id, now) {
		s.cfg.Logger.Warn("another node keeps limits together in another mode: following it; give all nodes the same",
			slog.String("deployment", d.id), slog.String("here", d.modes[u.kind].String()), slog.Bool("escrow", h.Escrow() != 0))
	}
	if h.Escrow()&u.limits().which() != 0 && !d.exact[u.kind] {
		s.followEscrow(d, u, now)
	}
	for i, a := range u.accounts {
		if a != nil && h.Escrow()&(1<<i) == 0 {
			u.release(i)
		}
	}
	s.exact(d, u)
}

// differs reports whether the nodes keep a limit of the window together in another mode than
// this node is configured for.
func (u *usage) differs() bool {
	modes := u.d.modes[u.kind]
	return u.held.Said() && (u.held.Escrow()^modes.of(Escrow))&modes.fixed()&u.limits().which() != 0
}

// differed reports whether windows of the deployment have differed of late.
func (d *deployment) differed(now int64) bool {
	return d.differs != 0 && time.Duration(now-d.differs) < remembered
}

// followEscrow has a deployment's limits held by escrow because other nodes do.
func (s *Syncer) followEscrow(d *deployment, u *usage, now int64) {
	if !s.reserves() {
		if s.news("no reserver", now) {
			s.cfg.Logger.Warn("other nodes hold limits by escrow, which this source cannot: it may pass them", slog.String("deployment", d.id))
		}
		return
	}
	d.exact[u.kind], d.follows[u.kind] = true, true
}

// release gives up the account of one limit of a window: it is kept together by usage.
func (u *usage) release(i int) {
	u.accounts[i] = nil
	c := u.ceiling.list()
	c[i] = 0
	u.ceiling, u.granted = countFrom(c), false
}

// short returns the channel of refusals that a grant would prevent; nil = there are none.
func (s *Syncer) short() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserver == nil {
		return nil
	}
	return s.reserver.Short()
}

// refreshModes asks how limits are to be kept together from their next windows on.
func (s *Syncer) refreshModes(d *deployment) {
	for kind := range d.modes {
		if d.modes[kind] = s.modesOf(d.id, window.Kind(kind)); d.modes[kind].escrows() {
			s.reserves()
		}
	}
}
