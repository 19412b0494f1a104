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
// which its counters turn, and the receivers of news of room and of refusals.
type owner struct {
	// What every request reads: the published minute, and when to look at the clock
	// again.
	epoch, wake atomic.Int64
	clock       *window.Clock
	e           *common
	asked       atomic.Bool // a deployment was asked for since the last Collect
	_           [16]byte
	bell        *queue.Bell
	callers     *callers
	members     members
	views       atomic.Int64 // how many were published
	name        string
	mean        learn.Mean // learned output tokens
	quantile    learn.Quantile

	refusals [limitValues]atomic.Int64
	wants    wants

	mu    sync.Mutex
	due   int64 // wake, the end of validity left aside
	stale bool  // what was absorbed has ceased to be valid
}

// members are the deployments that an owner turns. All methods are under its mutex.
type members interface {
	// advance turns them to the minute of an instant, and publishes it.
	advance(now int64) (epoch int64)
	// relimit puts into force what their providers have reported.
	relimit(now int64, of ...*handle)
	// spare reports whether another one takes requests.
	spare(but *handle) bool
}

// reading is when a decision is made.
type reading struct {
	now   int64      // Unix ns
	fresh bool       // that was read for this decision, not taken from [window.Clock.Run]
	at    counter.At // the published minute, and the instant moved into it
}

// minute returns the published minute, after turning the group if that is over and no
// other caller turns it. A request that meets a turn under way goes on in the minute
// before, as with a clock that is a little late; if more than a minute has passed it
// waits for the turn.
func (o *owner) minute() int64 {
	e, _ := o.minuteNow()
	return e
}

// minuteNow is minute with the time that the clock read.
func (o *owner) minuteNow() (epoch, now int64) {
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

// await lets a turn that is under way end.
func (o *owner) await() {
	o.mu.Lock()
	o.mu.Unlock() //nolint:staticcheck // that is all
	runtime.Gosched()
}

// next returns when to look at the group next. Under its mutex.
func (o *owner) next() int64 {
	if until := o.e.validity.until.Load(); until != 0 && !o.stale {
		return min(o.due, until)
	}
	return o.due
}

// rouse has the group looked at no later than at an instant. Under its mutex.
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

// reread reports whether to try again after a refusal, because the minute is over or the
// view was replaced. Otherwise the refusal stands: it rests on a fresh reading of the clock.
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

// wants is what a group could not admit though limits had room, because ceilings bound
// what this node may use. It is kept from the first call of [Engine.Short] on.
type wants struct {
	missed         atomic.Int64 // refused requests since the last Want
	tokens, larger atomic.Int64 // their tokens, and the largest of them
	input          atomic.Int64 // of the tokens
	vain           atomic.Int64 // requests that waited for a grant until they were refused
	said           atomic.Bool  // since the last Want the channel was sent to
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

// take returns what was refused since the last call.
func (w *wants) take() window.Want {
	return window.Want{Missed: w.missed.Swap(0), MissedTokens: w.tokens.Swap(0), MissedInput: w.input.Swap(0), Largest: w.larger.Swap(0)}
}
