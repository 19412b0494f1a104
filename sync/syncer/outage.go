package syncer

import (
	"errors"
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// patience is the number of intervals without a reply after which a store counts as away.
const patience = 4

// outage is the state of a bucket whose store may not reply.
type outage struct {
	last   int64 // when the store last replied, Unix nanoseconds; 0 = never
	trying int64 // when the first exchange without a reply began, Unix nanoseconds; 0 = none
	away   bool
	since  int64 // when the store went away, Unix nanoseconds
	healed int64 // when the store first replied after it went away; 0 = not yet
	err    error // of the last exchange
}

// watch detects that the store has gone away, or that nodes use counters of an older format. In
// both cases it sets the ceilings of every window. Under the mutex.
func (s *Syncer) watch(b *bucket, now int64) {
	switch {
	case b.away:
	case s.outdated > 0:
		b.err = errOutdated
		s.leave(b, now)
	case b.trying != 0 && time.Duration(now-b.trying) > patience*b.interval():
		s.leave(b, now)
	}
	if b.away {
		s.ration(b, now)
	}
}

// leave begins to decide by [Config.Away].
func (s *Syncer) leave(b *bucket, now int64) {
	b.away, b.since, b.healed = true, now, 0
	s.shares = s.shares[:0]
	for _, d := range b.deployments {
		s.freeze(d)
	}
	s.absorb()
	if s.away++; s.away == 1 {
		s.awaySince = now
		s.cfg.Logger.Warn("store away: deciding by policy",
			slog.String("requests", s.cfg.Away.Requests.String()), slog.String("tokens", s.cfg.Away.Tokens.String()),
			slog.Int("nodes", s.nodeCount()), slog.String("error", b.problem()))
	}
}

// setOutdated sets the number of nodes that use counters of an older format. While there are
// any, the totals lack their usage, so this node decides by policy as if the store were away.
func (s *Syncer) setOutdated(n int, now int64) {
	was := s.outdated
	s.outdated = n
	switch {
	case was == 0:
		s.cfg.Logger.Warn("nodes of an older version use the same store by other keys: deciding by policy until they have gone", slog.Int("nodes", n))
	case n == 0:
		s.cfg.Logger.Info("nodes of an older version have gone")
	}
	if n == 0 {
		return
	}
	for _, b := range s.buckets {
		s.watch(b, now)
	}
}

var errOutdated = errors.New("nodes of an older version use the same store by other keys")

// problem returns why the store is away, for the log.
func (b *bucket) problem() string {
	if b.err == nil {
		return "no answer"
	}
	return b.err.Error()
}

// problem returns why the store is away, for [Stats].
func (s *Syncer) problem() string {
	if s.outdated > 0 {
		return errOutdated.Error()
	}
	for _, b := range s.buckets {
		if b.away && b.err != nil {
			return b.err.Error()
		}
	}
	return ""
}

// freeze records this node's share of a deployment and the usage of its windows as of the
// last contact. It removes forecasts, which no total would replace.
func (s *Syncer) freeze(d *deployment) {
	var own, remote [2]Count // of minutes, of longer windows
	for _, u := range d.windows {
		if u.expected = (Count{}); u.forecast != (Count{}) {
			u.forecast = Count{}
			s.shares = append(s.shares, u.share())
		}
		if u.base.known = u.known; u.known {
			u.base.acked, u.base.total = u.acked, u.total
			i := 0
			if u.kind.Long() {
				i = 1
			}
			own[i], remote[i] = own[i].plus(u.acked), remote[i].plus(u.remote)
		}
	}
	d.frozen = true
	d.part, d.partOfDaily = partsOf(s.nodeCount(), own[0], remote[0]), partsOf(s.nodeCount(), own[1], remote[1])
}

// nodeCount returns the number of nodes that share the store; Config.Nodes until the store
// has reported it.
func (s *Syncer) nodeCount() int {
	if s.nodes > 0 {
		return s.nodes + s.outdated
	}
	return s.cfg.Nodes + s.outdated
}

// ration sets the ceilings of the windows that contain this minute and the next one. The
// next ones are set early because the syncer may be late when they begin.
func (s *Syncer) ration(b *bucket, now int64) {
	epoch := window.EpochAt(now)
	s.shares = s.shares[:0]
	for _, d := range b.deployments {
		if !d.live(epoch) {
			continue
		}
		if !d.frozen { // created after the store went away
			s.freeze(d)
		}
		for i := range int64(2) { // the windows that contain this minute, and the next
			s.limit(b, d.open(window.KindMinute, window.StartSeconds(epoch+i)), now)
			for kind := range d.long {
				if k := window.Kind(kind); d.long[k].listed {
					start := s.today(k, epoch+i)
					if k.Own() {
						start = s.beganAt(d, k, now) + i*d.long[k].length
					}
					s.limit(b, d.open(k, start), now)
				}
			}
		}
	}
	s.absorb()
}

// limit sets a window's ceiling. It appends a share if the ceiling has changed or the source
// has no valid share of the window.
func (s *Syncer) limit(b *bucket, u *usage, now int64) {
	if !u.accounts.none() && time.Duration(now-b.since) < alone {
		return // the grants stay in force
	}
	u.shut, u.granted = false, false
	if c := s.ceiling(u); c != u.ceiling || !u.reported {
		u.ceiling, u.reported = c, true
		s.shares = append(s.shares, u.share())
	}
}

// ceiling returns the ceiling on this node's usage of a window while the store is away.
func (s *Syncer) ceiling(u *usage) Count {
	limits, part := u.limits().list(), u.d.part
	if u.kind.Long() {
		part = u.d.partOfDaily
	}
	base, total := u.base.acked.list(), Count{}.list()
	if u.base.known {
		total = u.base.total.list()
	}
	for i, limit := range limits {
		policy := s.cfg.Away.Tokens
		if i == 0 {
			policy = s.cfg.Away.Requests
		}
		left := limit - total[i]
		limits[i] = policy.ceiling(limit, base[i], left, part[i])
		if i < len(u.accounts) && u.accounts[i] != nil && policy == Closed {
			if limits[i] = u.accounts[i].Granted(); limits[i] == 0 {
				limits[i] = blocked
			}
		}
		if i == 0 && policy == Share && limit > 0 && left > 0 && left < int64(s.nodeCount()) && len(s.members) >= s.nodeCount() {
			limits[i] = blocked
			if c := base[i] + s.oneOf(u, left); c > 0 {
				limits[i] = c
			}
		}
	}
	return countFrom(limits)
}

// oneOf returns 1 if this node is among the first few nodes by a window's rendezvous hash,
// else 0. Where fewer requests are left than there are nodes, as many nodes may admit one
// request each, and all nodes agree which ones.
func (s *Syncer) oneOf(u *usage, few int64) int64 {
	mine, before := rendezvous(s.cfg.Node, u.d.id, u.start), int64(0)
	for _, name := range s.members {
		if name == s.cfg.Node {
			continue
		}
		if other := rendezvous(name, u.d.id, u.start); other < mine || other == mine && name < s.cfg.Node {
			before++
		}
	}
	if before < few {
		return 1
	}
	return 0
}

// back records a reply of the store. Ceilings stay for two more intervals, because the
// usage of the other nodes during the outage arrives only then.
func (s *Syncer) back(b *bucket, now int64) {
	b.last, b.trying, b.err = now, 0, nil
	if !b.away {
		return
	}
	if b.healed == 0 || s.outdated > 0 {
		b.healed = now
	}
	if time.Duration(now-b.healed) < 2*b.interval() {
		return
	}
	b.away = false
	s.shares = s.shares[:0]
	for _, d := range b.deployments {
		d.frozen = false
		for _, u := range d.windows {
			if !u.accounts.none() {
				u.overrun(s)
				u.granted, u.ceiling = false, u.ceiling.unlessNot(&u.accounts)
				if u.runs(now) {
					s.grant(b, u, now)
				}
				continue
			}
			switch {
			case u.ceiling == Count{}:
			case u.runs(now) && u.at < b.healed: // the ceiling is lifted once the total is read
				u.shut = true
			default:
				u.ceiling, u.shut = Count{}, false
				s.shares = append(s.shares, u.share())
			}
		}
	}
	s.absorb()
	if s.away--; s.away == 0 {
		d := time.Duration(now - s.awaySince)
		s.degraded += d
		s.cfg.Logger.Info("store back", slog.Duration("after", d))
	}
}

// absorb passes s.shares to the source.
func (s *Syncer) absorb() {
	if len(s.shares) > 0 {
		s.src.Absorb(s.shares)
	}
}
