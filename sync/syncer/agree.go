package syncer

import (
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// A node that has seen another mode than its own within remembered reads the modes of a
	// window lookAhead before it begins.
	lookAhead  = time.Second
	remembered = 10 * time.Minute
)

// agreement holds the modes in which the nodes keep a window's limits together. The first
// node that asks fixes them in the store until the window ends.
type agreement struct {
	wants Held // this node's choice; 0 = not decided yet
	held  Held // the store's reply, binding for all nodes; 0 = not received yet
}

// escrow returns the counts that are held by escrow: by the store's reply, or before it by
// this node's choice.
func (a agreement) escrow() Counts { return a.agreed().Escrow() }

// agreed returns the modes to ask for in a new epoch: those of the last one, so that a loss
// of data changes no mode within a window.
func (a agreement) agreed() Held {
	if a.held.Known() {
		return a.held
	}
	return a.wants
}

// configured returns how this node is configured to keep a deployment's limits together.
func (s *Syncer) configured(id string, kind window.Kind) Modes {
	if s.cfg.Modes != nil {
		return s.cfg.Modes(id, kind)
	}
	return AllModes(s.cfg.Mode)
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

// asksHeld returns the question about a window's modes that a batch carries; 0 once they are
// known. A window's first delta fixes its modes. Where nodes are configured for different
// modes, a node in escrow mode fixes them before the window begins.
func (s *Syncer) asksHeld(b *bucket, u *usage, delta bool, now int64) Held {
	d := u.d
	if b.epoch == 0 || u.held.Known() || !u.runs(now) || d.loose[u.kind] || u.limits() == (Count{}) {
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

// undecided reports whether this node must read the modes of a window that begins soon. It
// then follows them from the window's start.
func (u *usage) undecided(now int64) bool {
	return u.d.differed(now) && !u.held.Known() && (u.wants.Escrow() != 0 || time.Duration(u.start*1e9-now) <= lookAhead)
}

// agree applies the modes of a window that the store has reported. The caller applies the
// totals of the same reply afterwards: which of them are grants depends on the modes.
func (s *Syncer) agree(u *usage, h Held, now int64) {
	if !h.Known() || u.held.Known() {
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
	return u.held.Known() && (u.held.Escrow()^modes.of(Escrow))&modes.fixed()&u.limits().which() != 0
}

// differed reports whether a window of the deployment has differed within remembered.
func (d *deployment) differed(now int64) bool {
	return d.differs != 0 && time.Duration(now-d.differs) < remembered
}

// followEscrow holds a deployment's limits by escrow because the other nodes do.
func (s *Syncer) followEscrow(d *deployment, u *usage, now int64) {
	if !s.reserves() {
		if s.news("no reserver", now) {
			s.cfg.Logger.Warn("other nodes hold limits by escrow, which this source cannot: it may pass them", slog.String("deployment", d.id))
		}
		return
	}
	d.exact[u.kind], d.follows[u.kind] = true, true
}

// release closes the account of one limit of a window, which the nodes keep together by
// usage from then on.
func (u *usage) release(i int) {
	u.accounts[i] = nil
	c := u.ceiling.list()
	c[i] = 0
	u.ceiling, u.granted = countFrom(c), false
}

// short returns the channel on which the source signals that a grant would have prevented a
// refusal or a wait; nil = no limit is held by escrow.
func (s *Syncer) short() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserver == nil {
		return nil
	}
	return s.reserver.Short()
}

// refreshModes reads the modes from the configuration. They apply from the next windows on.
func (s *Syncer) refreshModes(d *deployment) {
	for kind := range d.modes {
		k := window.Kind(kind)
		is := s.configured(d.id, k)
		if s.otherModes.deviant == "" && is != AllModes(s.cfg.Mode) {
			s.otherModes.deviant = d.id
		}
		if d.modes[k], d.configured[k] = s.bound(is, d.id, k), is; d.modes[k].escrows() && s.reserves() {
			s.closeGrants(d, k)
		}
	}
}
