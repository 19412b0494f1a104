package syncer

import (
	"log/slog"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// batchSize is how many deltas and reads travel in a batch: a store has two
	// keys for most of them, four at most.
	batchSize = 250
	// refresh is how old a total may grow while its deployment is live but idle,
	// and how long a bucket may be silent.
	refresh = time.Second
)

// bucket is a part of the deployments that shares its batches: at most one is
// under way. All fields but turn are under the syncer's mutex, reply belongs to
// who has the turn.
type bucket struct {
	index int
	turn  chan struct{} // whoever has put something in may exchange
	reply Reply

	deployments []*deployment
	next        int   // where among them the next batch begins
	kicked      bool  // a demand came while the bucket had no turn to give
	begun       int64 // when the current round of exchanges began, Unix nanoseconds
	full        int64 // when a round last carried all there was to report
	hurried     bool  // the current round is one of Run's
	relaxing    bool  // it carries only what is urgent
	bursts      int64 // when the minute begins that is expected to open with a burst, Unix nanoseconds

	era
	seq    uint64 // of the latest batch built, in its epoch
	flying *sent  // that batch, until it is resolved
	repair
	pace
	outage
}

// sent is a batch from when it was built until it is not needed any more.
type sent struct {
	epoch   uint64 // whose counters it changes
	seq     uint64 // 0 = it only asks for the epoch
	next    uint64 // the epoch that it begins; 0 = none
	deltas  []window.Tally
	reads   []window.Tally
	usages  []*usage       // of deltas, then of reads
	counts  []Counts       // the same
	held    []Held         // the same
	refused []window.Tally // what the store did not take
	at      int64          // when it was built
	tries   int
}

// dead reports whether the store would no longer know that it had the batch, or
// that would be no use: it is too late for all of its windows.
func (x *sent) dead(now int64) bool {
	if now-x.at >= lifetime*int64(time.Second) {
		return true
	}
	return len(x.deltas) > 0 && !slices.ContainsFunc(x.deltas, func(t window.Tally) bool { return !deadTally(t, now) })
}

func newBucket(index int) *bucket {
	return &bucket{index: index, turn: make(chan struct{}, 1)}
}

// job returns the batch to send now, or nil: one that begins a new epoch, an old
// one that a store without epochs may have lost, the one in doubt, or a new one.
func (s *Syncer) job(b *bucket, now int64, hurried bool) *sent {
	if !b.met {
		return hello(now)
	}
	if b.epoch != 0 {
		if x := b.raise(now, hurried); x != nil || b.lost {
			return x // what is sent before the next epoch is in vain
		}
	}
	for len(b.again) > 0 {
		if x := b.again[0]; !x.dead(now) {
			return x
		}
		s.pop(b)
	}
	if b.flying != nil && b.flying.dead(now) {
		s.abandon(b, now)
	}
	if b.flying == nil {
		b.flying = s.build(b, now)
	}
	return b.flying
}

// abandon gives up a batch in doubt: by now the store would not recognize it.
func (s *Syncer) abandon(b *bucket, now int64) {
	if len(b.flying.deltas) > 0 && s.news("dropped", now) {
		s.cfg.Logger.Warn("usage was not shared in time: dropped", slog.Int("bucket", b.index))
	}
	for i, d := range b.flying.deltas {
		b.flying.usages[i].flying = Count{}
		b.flying.usages[i].committed = b.flying.usages[i].committed.plus(countOf(d)) // never again
		s.drop(d.Kind, countOf(d))
	}
	b.flying = nil
}

// build puts together a new batch: what has yet to be reported first, then what has
// to be read. Nil if there is nothing to say.
func (s *Syncer) build(b *bucket, now int64) *sent {
	x := &sent{epoch: b.epoch, seq: b.seq + 1, at: now}
	n, last := len(b.deployments), 0
	epoch := window.EpochAt(now)
	for i := 0; i < n && len(x.deltas) < batchSize; i++ {
		d := b.deployments[(b.next+i)%n]
		cool := d.cool.unsent(now)
		if cool != 0 {
			d.open(window.KindMinute, window.StartSeconds(epoch)) // which reports it
		}
		for _, u := range d.windows {
			c := u.unsent()
			due, asks := s.due(b, u, now)
			due = due && (!b.relaxing || s.urgent(u, now))
			if due && len(x.deltas) < batchSize && !u.dead(now) {
				c = u.send(c, asks)
			} else if b.relaxing && c != (Count{}) && !s.urgent(u, now) {
				c = Count{}
			}
			t := c.tally(u)
			if !u.kind.Long() && u.start == window.StartSeconds(epoch) {
				t.CoolUntil = cool
			}
			if (due || c != (Count{}) || t.CoolUntil != 0) && len(x.deltas) < batchSize && !u.dead(now) {
				u.flying, u.seq = c, x.seq
				x.deltas = append(x.deltas, t)
				x.usages = append(x.usages, u)
				last = i
			}
		}
	}
	for i := 0; i < n && len(x.usages) < batchSize; i++ {
		d := b.deployments[(b.next+i)%n]
		for _, u := range s.current(d, now) {
			if len(x.deltas)+len(x.reads) < batchSize && u.seq != x.seq && s.reads(b, u, d.live(epoch), now) {
				x.reads = append(x.reads, Count{}.tally(u))
				x.usages = append(x.usages, u)
				last = max(last, i)
			}
		}
	}
	s.neighbours(x)
	for i, u := range x.usages {
		x.counts = append(x.counts, u.counts())
		if h := s.asksHeld(b, u, i < len(x.deltas), now); h != 0 {
			x.held = append(x.held, make([]Held, i+1-len(x.held))...)
			x.held[i] = h
		}
	}
	switch {
	case len(x.usages) >= batchSize:
		b.next = (b.next + last + 1) % n
	case len(x.usages) == 0 && !b.silent(now):
		return nil
	}
	b.seq++
	return x
}

// heartbeat returns a batch that says nothing, as the one under way.
func (s *Syncer) heartbeat(b *bucket, now int64) *sent {
	b.seq++
	b.flying = &sent{epoch: b.epoch, seq: b.seq, at: now}
	return b.flying
}

// current returns the windows of a deployment to be kept up to date: the minute, while the
// deployment is asked for, and the longer ones that run. Valid until the next call.
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

// today returns when the window of a kind begins that holds an epoch.
func (s *Syncer) today(kind window.Kind, epoch int64) int64 {
	t := &s.todays[kind]
	if t.epoch != epoch {
		t.epoch = epoch
		t.start, _ = kind.Span(window.StartSeconds(epoch))
	}
	return t.start
}

// beganAt returns when a deployment's window of a kind began that runs.
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

// after returns when the window of a kind begins that follows the one which begins at
// start.
func (d *deployment) after(kind window.Kind, start int64) int64 {
	if length := d.long[kind].length; length != 0 {
		return start + length
	}
	_, end := kind.Span(start)
	return end
}

// reads reports whether the total of a window is to be read, though there is no
// delta that would report it: in each round if the source asks for the deployment
// and there is something to learn, else once a second.
func (s *Syncer) reads(b *bucket, u *usage, live bool, now int64) bool {
	due := u.asked || live && b.stale(u.at, now) && !s.rests(b, u, now)
	return due && (!b.relaxing || s.urgent(u, now)) || (u.expected != (Count{}) || b.watches(u, now)) && u.at < b.begun && time.Duration(now-u.at) >= b.spacing(now)/2
}

// silent reports whether it is time for a batch even if it says nothing: once in
// a while, when the one before has to be looked after, and to find out whether a
// store that was away is there to stay.
func (b *bucket) silent(now int64) bool {
	return b.stale(b.last, now) || b.recheck || b.away && time.Duration(now-b.last) >= b.interval()/2
}

// stale reports whether what was learned at the time given has to be read again,
// so that it grows hardly older than refresh or, where rounds are rarer, than a
// round and a half. What was read in the current round is never stale: however
// long a round takes, it reads each total once.
func (b *bucket) stale(at, now int64) bool {
	return at == 0 || at < b.begun && time.Duration(now-at)+min(b.interval(), refresh)/2 >= refresh
}
