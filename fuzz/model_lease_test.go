package fuzz

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// An ending is how a lease ended; it indexes model.ended.
type ending int

const (
	settled ending = iota
	settledReserved
	released
)

type mlease struct {
	d        *mdep
	epoch    int64 // of admission
	reserved int64
	input    int64     // of reserved
	meters   []*mmeter // it was admitted by
	added    int64
	done     bool
	expired  bool
}

// slotMinutes is how many minutes of leases are counted as one, and slots for
// how many of those a lease counts.
func (m *model) slotMinutes() (span, slots int64) {
	span = (int64(m.ttl) + 15*minute - 1) / (15 * minute)
	return span, (int64(m.ttl) + span*minute - 1) / (span * minute)
}

// expire stops counting the leases of d that are older than the TTL.
func (m *model) expire(d *mdep) {
	span, slots := m.slotMinutes()
	d.leases = slices.DeleteFunc(d.leases, func(l *mlease) bool {
		l.expired = d.group.epoch/span-l.epoch/span > slots
		if l.expired {
			m.expired++
		}
		return l.expired
	})
}

func (d *mdep) inFlight() int64 { return int64(len(d.leases)) }

// held is what the leases not ended hold.
func (d *mdep) held() (tokens int64) {
	for _, l := range d.leases {
		tokens += l.reserved + l.added
	}
	return tokens
}

// acquire takes the deployment that the engine has chosen.
func (m *model) acquire(id string, q engine.Demand) *mlease {
	d := m.deps[id]
	c := m.costs(d, q, acquiring)
	l := &mlease{d: d, epoch: d.group.epoch, reserved: c.input + c.output, input: c.input, meters: d.meters}
	l.meter(c)
	u := d.now()
	u.requests++
	u.tokens += l.reserved
	m.total(l.reserved)
	d.leases = append(d.leases, l)
	d.muchHeld = d.muchHeld || d.held() >= 1<<43-1
	m.acquired++
	return l
}

// meter counts a difference in the meters.
func (l *mlease) meter(c mcost) {
	for _, m := range l.meters {
		m.add(l.epoch, l.d.group.epoch, c)
	}
}

// charge adds a difference where the contract wants it: to the lease's epoch
// while that is current or previous; later to the current one if it is
// positive, nowhere if it is negative.
func (l *mlease) charge(tokens int64) {
	switch {
	case l.recent():
		l.d.in(l.epoch).tokens += tokens
	case tokens > 0 && !l.d.heir().forgotten:
		l.d.heir().now().tokens += tokens
	}
}

// catchUp looks at the group if more is counted than was: that is charged by the clock.
func (m *model) catchUp(l *mlease, c mcost, now int64) {
	if !l.d.heir().forgotten && (c.input+c.output > 0 || len(l.meters) != 0 && max(c.input, c.output) > 0) {
		m.look(l.d.heir().group, now)
	}
}

func (l *mlease) recent() bool { return !l.d.forgotten && l.epoch >= l.d.group.epoch-1 }

// add is a streamed increment beyond the reservation, MaxCount at most in all.
func (m *model) add(l *mlease, n, now int64) {
	if l.done {
		return
	}
	n = min(m.count(n), engine.MaxCount-l.added)
	m.catchUp(l, mcost{output: n}, now)
	l.charge(n)
	l.meter(mcost{output: n})
	l.added += n
	m.total(n)
	l.d.muchHeld = l.d.muchHeld || l.d.held() >= 1<<43-1
}

// end ends a lease; a second end does nothing.
func (m *model) end(l *mlease, how ending, u engine.Usage, now int64) {
	if l.done {
		return
	}
	in, out := m.count(u.InputTokens), m.count(u.OutputTokens)
	more := mcost{input: in - l.input, output: out - (l.reserved - l.input) - l.added}
	if how == settled {
		m.catchUp(l, more, now)
	}
	l.done = true
	l.d.leases = slices.DeleteFunc(l.d.leases, func(x *mlease) bool { return x == l })
	if !l.expired {
		m.ended[how]++
	}
	if !l.recent() {
		m.late++
	}
	switch how {
	case settled:
		l.charge(more.input + more.output)
		l.meter(more)
		m.total(more.input + more.output)
		m.learn(l.d.heir(), in, out)
	case settledReserved: // what was taken stands
	case released:
		l.charge(-l.reserved - l.added)
		l.meter(mcost{-l.input, l.input - l.reserved - l.added, -1})
		m.total(-l.reserved - l.added)
		if l.recent() {
			l.d.in(l.epoch).requests--
		}
	}
}
