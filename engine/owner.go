package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// owner is the part of a group that its deployments use: the published minute, the mutex under
// which its counters turn (protocol 2), the bell of its queue and its counts of refusals.
type owner struct {
	// What every request reads: epoch is the published minute, wake the instant (Unix ns)
	// from which a request must turn the group.
	epoch, wake atomic.Int64
	clock       *window.Clock
	e           *common
	asked       atomic.Bool // a request came since the last Collect
	_           [16]byte    // the fields down to bell fill one cache line
	bell        *queue.Bell
	callers     *callers
	members     members
	views       atomic.Int64 // incremented before a view is published and after: odd while seats change (protocol 5)
	name        string
	mean        learn.Mean // learned output tokens
	quantile    learn.Quantile

	refusals [limitValues]atomic.Int64
	wants    wants

	mu    sync.Mutex
	due   int64 // what wake would be if absorbed shares never became invalid
	stale bool  // absorbed shares are no longer valid
}

// members are the deployments that an owner turns. All methods are under its mutex.
type members interface {
	// advance turns them to the minute of an instant, and publishes that minute.
	advance(now int64) (epoch int64)
	// relimit puts into force what their providers have reported.
	relimit(now int64, of ...*handle)
	// spare reports whether a deployment other than but takes requests.
	spare(but *handle) bool
}

// reading is the time of a decision.
type reading struct {
	now   int64      // Unix ns
	fresh bool       // now was read for this decision, not taken from [window.Clock.Run]
	at    counter.At // the published minute, and now moved into it
}

// minute returns the published minute and the time that the clock read. If that minute is over it
// turns the group first, unless another caller is turning it. A request that meets a turn under
// way goes on in the minute before, as with a clock that is a little late. If more than a minute
// has passed it waits for the turn (protocol 2).
func (o *owner) minute() (epoch, now int64) {
	if now = o.clock.Now(); now >= o.wake.Load() {
		o.turnOrGoOn(now)
	}
	return o.epoch.Load(), now
}

func (o *owner) turnOrGoOn(now int64) {
	if !o.mu.TryLock() {
		if window.EpochAt(now) <= o.epoch.Load()+1 {
			return
		}
		o.mu.Lock()
	}
	o.turnLocked(now)
	o.mu.Unlock()
}

// turn ends cooldowns and reported limits that are over and turns the group to the
// current minute.
func (o *owner) turn(now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turnLocked(now)
}

// turnLocked is turn under the mutex. It returns the published minute.
func (o *owner) turnLocked(now int64) int64 {
	if now < o.wake.Load() {
		return o.epoch.Load()
	}
	return o.members.advance(now)
}

// await waits until a turn that is under way has ended.
func (o *owner) await() {
	o.mu.Lock()
	o.mu.Unlock() //nolint:staticcheck // locking waits for the turn; nothing is done under the mutex
	runtime.Gosched()
}

// next returns the instant from which the group must be turned again. Under its mutex.
func (o *owner) next() int64 {
	if until := o.e.validity.until.Load(); until != 0 && !o.stale {
		return min(o.due, until)
	}
	return o.due
}

// rouse has the group turned again no later than at an instant. Under its mutex.
func (o *owner) rouse(at int64) {
	o.due = min(o.due, at)
	o.wake.Store(o.next())
}

// read sets the minute of a decision and, unless it is fresh, its instant, which may be
// as old as the last of [window.Clock.Run].
func (o *owner) read(q *reading) {
	if !q.fresh {
		q.now = o.clock.Now()
	}
	if q.now >= o.wake.Load() {
		o.turnOrGoOn(q.now)
	}
	e := o.epoch.Load()
	q.at = counter.At{Epoch: e, Now: within(e, q.now)}
}

// reread reports whether a refused demand must be tried again, because the minute is over or
// the view was replaced (protocol 5). Otherwise the refusal stands: it rests on a fresh
// reading of the clock.
func (o *owner) reread(q *reading, sameView bool) bool {
	if !q.fresh {
		q.refresh(o.clock)
	}
	turned := q.now >= o.wake.Load()
	if turned {
		o.turn(q.now)
	}
	e := o.epoch.Load()
	if !turned && e == q.at.Epoch && sameView {
		return false
	}
	q.fresh = q.now >= window.Start(e) // another caller may have read a later time
	return true
}

// refresh makes a fresh reading of the clock the instant of the decision.
func (q *reading) refresh(c *window.Clock) {
	q.now, q.fresh = c.Read(), true
	q.at.Now = within(q.at.Epoch, q.now)
}

// expected returns the group's learned output, in tokens; -1 if unknown.
func (o *owner) expected() int64 {
	if o.e.quantile.Load() != 0 {
		return o.quantile.Value()
	}
	return o.mean.Value()
}

// wants is the demand that a group could not admit although limits had headroom, because
// ceilings bound what this node may use. It is kept from the first call of [Engine.Short] on.
type wants struct {
	missed         atomic.Int64 // refused requests since the last Want
	tokens, larger atomic.Int64 // their tokens, and the tokens of the largest of them
	input          atomic.Int64 // their input tokens
	vain           atomic.Int64 // requests that waited for a grant until they were refused
	said           atomic.Bool  // the channel of Short was sent to since the last Want
}

// add notes a refused request.
func (w *wants) add(tokens, input int64) {
	w.missed.Add(1)
	w.tokens.Add(tokens)
	w.input.Add(input)
	for {
		n := w.larger.Load()
		if tokens <= n || w.larger.CompareAndSwap(n, tokens) {
			return
		}
	}
}

// drain returns what was refused since the last call.
func (w *wants) drain() window.Want {
	return window.Want{Missed: w.missed.Swap(0), MissedTokens: w.tokens.Swap(0), MissedInput: w.input.Swap(0), Largest: w.larger.Swap(0)}
}
