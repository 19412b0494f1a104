package syncer

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// batchSize is the largest number of deltas and reads in a batch, together and without the
	// reads of slices' neighbours. A store has two keys for most of them, and four at most.
	batchSize = 250
	// largestBatch is the largest number of all deltas and reads in a batch.
	largestBatch = 2 * batchSize
	// refresh is the largest age of a total whose deployment is live but idle, and the
	// longest time that a bucket sends no batch.
	refresh = time.Second
)

// bucket is a set of deployments that share batches, of which at most one is in flight.
// The syncer's mutex guards all fields except turn, which is a semaphore of one, and reply,
// which belongs to the goroutine that holds turn.
type bucket struct {
	index int
	turn  chan struct{} // a goroutine that has sent into it may exchange
	reply Reply

	deployments []*deployment
	next        int   // index of the deployment at which the next batch begins
	kicked      bool  // a demand arrived while another goroutine held turn
	begun       int64 // when the current round of exchanges began, Unix nanoseconds
	full        int64 // when a round last reported everything unsent, Unix nanoseconds
	hurried     bool  // Run started the current round, which therefore has a time limit
	relaxing    bool  // the current round carries only urgent windows
	returned    int64 // the theoretical arrival time of mayReturn, Unix nanoseconds
	bursts      int64 // start of the minute that is expected to open with a burst, Unix nanoseconds

	era
	seq      uint64 // of the latest batch built, in its epoch
	inFlight *sent  // that batch, until it is resolved
	ackedAt  int64  // when the latest acknowledged batch was built, Unix nanoseconds
	repair
	pace
	outage
}

// sent is a batch that has been built. It is kept until its outcome is known or, by repair,
// while the store may still lose it.
type sent struct {
	epoch   uint64 // names the counters that the batch changes
	seq     uint64 // 0 = the batch only asks for the epoch
	next    uint64 // the epoch that the batch begins; 0 = none
	deltas  []window.Tally
	reads   []window.Tally
	usages  []*usage       // of deltas, then of reads
	near    []*usage       // neighbours of slices, which are read unless they are among usages
	counts  []Counts       // the same
	held    []Held         // the same
	refused []window.Tally // deltas that the store has rejected for good
	at      int64          // when it was built, Unix nanoseconds
	tries   int
}

// dead reports whether the batch must not be sent again: the store may have dropped the
// batch's marker and would add it twice, or all of its windows have expired.
func (x *sent) dead(now int64) bool {
	if expired(x.at, now) {
		return true
	}
	return len(x.deltas) > 0 && !slices.ContainsFunc(x.deltas, func(t window.Tally) bool { return !deadTally(t, now) })
}

func newBucket(index int) *bucket {
	return &bucket{index: index, turn: make(chan struct{}, 1)}
}

// job returns the batch to send now, or nil if there is none. In this order: a batch that
// begins a new epoch, an acknowledged one that a store without epochs may have lost, the
// one in doubt, a new one.
func (s *Syncer) job(b *bucket, now int64, hurried bool) *sent {
	if !b.met {
		return hello(now)
	}
	if b.epoch != 0 {
		if x := b.raise(now, hurried); x != nil || b.lost {
			return x // the next epoch would discard any other batch
		}
	}
	for len(b.again) > 0 {
		if x := b.again[0]; !x.dead(now) {
			return x
		}
		s.pop(b)
	}
	if b.inFlight != nil && b.inFlight.dead(now) {
		s.abandon(b, now)
	}
	if b.inFlight == nil {
		b.inFlight = s.build(b, now)
	}
	return b.inFlight
}

// mayReturn reports whether a grant smaller than its ask may begin a round now: four in a row,
// since the fragments of a burst go from node to node, and one an interval beyond (GCRA), since
// a fragment that fits no waiting request is asked for again and again.
func (b *bucket) mayReturn(now int64) bool {
	const burst = 4
	interval := int64(b.interval())
	at := max(b.returned, now)
	if at-now > burst*interval { // the clock was set back
		at = now
	}
	if at-now > (burst-1)*interval {
		return false
	}
	b.returned = at + interval
	return true
}

// abandon gives up a batch in doubt because the store may have dropped its marker. Its
// usage counts as dropped, and is never sent again; that of limits held by escrow counts when its
// window is swept, because what the batch asks for is no usage. An empty batch takes its Seq: the store then
// has a marker of it in any case, and its reply still shows whether the batch before is there.
func (s *Syncer) abandon(b *bucket, now int64) {
	for i, d := range b.inFlight.deltas {
		u := b.inFlight.usages[i]
		u.inFlight, u.acked = Count{}, u.acked.plus(countOf(d)) // never again
		s.drop(u, countOf(d).unless(&u.accounts), now)
	}
	b.inFlight = &sent{epoch: b.epoch, seq: b.inFlight.seq, at: now}
}

// build returns a new batch of unsent usage, then of totals to read; nil if it would be
// empty.
func (s *Syncer) build(b *bucket, now int64) *sent {
	x := &sent{epoch: b.epoch, seq: b.seq + 1, at: now}
	n, last := len(b.deployments), 0
	skipped := n // the first deployment for which the batch has no space
	epoch := window.EpochAt(now)
	for i := 0; i < skipped && len(x.deltas) < batchSize; i++ {
		d := b.deployments[(b.next+i)%n]
		cool := d.cool.unsent(now)
		if cool != 0 {
			d.open(window.KindMinute, window.StartSeconds(epoch)) // the minute's delta carries the cooldown
		}
		for _, u := range d.windows {
			c := u.unsent()
			due, asks := s.due(b, u, now)
			due = due && (!b.relaxing || s.urgent(u, now))
			if due && len(x.deltas) < batchSize && !u.dead(now) {
				if !x.neighbours(u, true) {
					skipped = i
					continue
				}
				c = u.send(c, asks)
			} else if b.relaxing && c != (Count{}) && !s.urgent(u, now) {
				c = Count{}
			}
			t := c.tally(u)
			if !u.kind.Long() && u.start == window.StartSeconds(epoch) {
				t.CoolUntil = cool
			}
			if (due || c != (Count{}) || t.CoolUntil != 0) && len(x.deltas) < batchSize && !u.dead(now) {
				if !due && !x.hasSpace() {
					skipped = i
					continue
				}
				u.inFlight, u.seq = c, x.seq
				x.deltas = append(x.deltas, t)
				x.usages = append(x.usages, u)
				last = i
			}
		}
	}
	for i := 0; i < skipped && len(x.usages) < batchSize; i++ {
		d := b.deployments[(b.next+i)%n]
		for _, u := range s.current(d, now) {
			if len(x.deltas)+len(x.reads) < batchSize && u.seq != x.seq && s.reads(b, u, d.live(epoch), now) {
				if !x.neighbours(u, u.holds()) {
					skipped = i
					continue
				}
				if u.read != x.seq {
					x.read(u)
				}
				last = max(last, i)
			}
		}
	}
	x.readNear()
	for i, u := range x.usages {
		x.counts = append(x.counts, u.counts())
		if h := s.asksHeld(b, u, i < len(x.deltas), now); h != 0 {
			x.held = append(x.held, make([]Held, i+1-len(x.held))...)
			x.held[i] = h
		}
	}
	switch {
	case skipped < n:
		b.next = (b.next + skipped) % n
	case len(x.usages) >= batchSize:
		b.next = (b.next + last + 1) % n
	case len(x.usages) == 0 && !b.silent(now):
		return nil
	}
	b.seq++
	return x
}

// read appends a read of a window's total.
func (x *sent) read(u *usage) {
	u.read = x.seq
	x.reads = append(x.reads, Count{}.tally(u))
	x.usages = append(x.usages, u)
}

// heartbeat makes an empty batch the one in flight and returns it.
func (s *Syncer) heartbeat(b *bucket, now int64) *sent {
	b.seq++
	b.inFlight = &sent{epoch: b.epoch, seq: b.seq, at: now}
	return b.inFlight
}

// current returns the deployment's windows that are kept up to date: the minute, while the
// source asks for the deployment, and the longer windows that run. The slice is valid until
// the next call.
func (s *Syncer) current(d *deployment, now int64) []*usage {
	epoch := window.EpochAt(now)
	s.windows = s.windows[:0]
	if d.live(epoch) {
		s.windows = append(s.windows, d.open(window.KindMinute, window.StartSeconds(epoch)))
		if next := d.window(window.KindMinute, window.StartSeconds(epoch+1)); next != nil && (next.holds() || next.undecided(now)) {
			s.windows = append(s.windows, next)
		}
	}
	for kind := range d.long {
		if k := window.Kind(kind); d.long[k].listed {
			start := s.beganAt(d, k, now)
			if u := d.window(k, start); u != nil || d.live(epoch) {
				s.windows = append(s.windows, d.open(k, start))
			}
			if d.exact[k] {
				if next := d.window(k, d.after(k, start)); next != nil && next.holds() {
					s.windows = append(s.windows, next)
				}
			}
		}
	}
	return s.windows
}

// today returns the start (Unix seconds) of the window of a kind that contains the minute
// epoch.
func (s *Syncer) today(kind window.Kind, epoch int64) int64 {
	t := &s.todays[kind]
	if t.epoch != epoch {
		t.epoch = epoch
		t.start, _ = kind.Span(window.StartSeconds(epoch))
	}
	return t.start
}

// beganAt returns the start (Unix seconds) of the deployment's current window of a kind.
func (s *Syncer) beganAt(d *deployment, kind window.Kind, now int64) int64 {
	if l := &d.long[kind]; l.length != 0 {
		return l.start + floorDiv(now/1e9-l.start, l.length)*l.length
	}
	return s.today(kind, window.EpochAt(now))
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		a -= b - 1
	}
	return a / b
}

// after returns the start of the window of a kind that follows the one which begins at start.
func (d *deployment) after(kind window.Kind, start int64) int64 {
	if length := d.long[kind].length; length != 0 {
		return start + length
	}
	_, end := kind.Span(start)
	return end
}

// reads reports whether the batch must read a window's total although it carries no delta
// of it. That is so in each round if the source asks for the deployment and the total
// matters (see matters), once just before nodes may ask in a new epoch, else once a second.
func (s *Syncer) reads(b *bucket, u *usage, live bool, now int64) bool {
	due := u.asked || b.gathers(u, now) || live && b.stale(u.at, now) && !s.rests(b, u, now)
	return due && (!b.relaxing || s.urgent(u, now)) || (u.expected != (Count{}) || b.watches(u, now)) && u.at < b.begun && time.Duration(now-u.at) >= b.spacing(now)/2
}

// silent reports whether a heartbeat is due: after refresh without a batch, to find out
// whether the store still has the batch before, and to find out whether a store that was
// away stays reachable.
func (b *bucket) silent(now int64) bool {
	return b.stale(b.last, now) || b.recheck || b.away && time.Duration(now-b.last) >= b.interval()/2
}

// stale reports whether a total read at the time at must be read again, so that its age
// stays near refresh or, where rounds are rarer, near one and a half rounds. A total read
// in the current round is never stale: however long a round takes, it reads each total once.
func (b *bucket) stale(at, now int64) bool {
	return at == 0 || at < b.begun && time.Duration(now-at)+min(b.interval(), refresh)/2 >= refresh
}
