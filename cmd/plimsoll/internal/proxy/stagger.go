package proxy

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

const (
	// maxRetryAfter is the longest wait that clients take as it is: SDKs fall back to a
	// second or sleep through their own time-out where it is longer.
	maxRetryAfter = time.Minute
	// crowd is the beginning of a window over which clients are spread that were refused
	// in the one before.
	crowd = 5 * time.Second
	// maxQueues bounds the groups and limits that are remembered; beyond it all are
	// forgotten.
	maxQueues = 4096
	// maxPlaces bounds the places of one of them.
	maxPlaces = 1024
)

// queues spread the retries of refused clients. The engine's answer is the same for all of
// them: the time when the next one fits. If all came then, all except one would be refused
// again.
type queues struct {
	mu      sync.Mutex
	refills map[queueKey][]time.Time // places that were given out and are not due, in order
	windows map[queueKey]crowded
}

type queueKey struct {
	group, caller string
	limit         engine.Limit
}

// crowded is how many clients were asked to come in the window that begins at a time.
type crowded struct {
	at time.Time
	n  int
}

// refill gives the first refill from wait on that was promised to no other client, where
// there is one each step. It returns the time until then; false if there is none within
// a minute.
func (q *queues) refill(key queueKey, now time.Time, wait, step time.Duration) (time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refills == nil || len(q.refills) >= maxQueues {
		q.refills = map[queueKey][]time.Time{}
	}
	list := q.refills[key]
	due := 0
	for due < len(list) && !list[due].After(now) {
		due++
	}
	list = list[due:]
	at, i := now.Add(wait), 0
	for ; i < len(list) && list[i].Before(at.Add(step/2)); i++ {
		if list[i].After(at.Add(-step / 2)) {
			at = list[i].Add(step)
		}
	}
	wait = at.Sub(now)
	if wait > maxRetryAfter*10/11 || len(list) == maxPlaces {
		q.refills[key] = list
		return 0, false
	}
	q.refills[key] = slices.Insert(list, i, at)
	return wait, true
}

// window counts the clients that are sent to the window that begins after wait, and
// returns how many were before.
func (q *queues) window(key queueKey, now time.Time, wait time.Duration) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.windows == nil || len(q.windows) >= maxQueues {
		q.windows = map[queueKey]crowded{}
	}
	c := q.windows[key]
	if at := now.Add(wait); at.Sub(c.at).Abs() > time.Second { // another one
		c = crowded{at: at}
	}
	c.n++
	q.windows[key] = c
	return c.n - 1
}

// refused is [transport.Config.Refused]: it counts a refusal, and spreads the clients
// that are refused. Only the header changes, the time in the message stays exact.
func (p *Proxy) refused(r *http.Request, le *engine.LimitError, h http.Header) {
	if p.cfg.Refused != nil {
		p.cfg.Refused(r, le)
	}
	if le.Never || h.Get("Retry-After") == "" {
		return
	}
	wait, now, key := le.RetryAfter, time.Now(), queueKey{le.Group, le.Caller, le.Limit}
	switch step, bucket := p.refillTime(r, le); {
	case wait > maxRetryAfter:
	case bucket && step > 0:
		var ok bool
		if wait, ok = p.queues.refill(key, now, wait, step); !ok {
			// All of a minute are promised: somewhere in its second half.
			wait = maxRetryAfter/2 + time.Duration(rand.Int64N(int64(maxRetryAfter/2*9/11)))
		}
	default:
		// Multiples of the golden ratio cover the beginning evenly, however many there are.
		k := p.queues.window(key, now, wait)
		wait += time.Duration(fraction(float64(k)*golden) * float64(crowd))
	}
	wait += time.Duration(rand.Int64N(int64(wait)/10 + 1))
	h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	h.Set("Retry-After-Ms", strconv.FormatInt(int64((wait+time.Millisecond-1)/time.Millisecond), 10))
	if wait > maxRetryAfter {
		h.Set("X-Should-Retry", "false")
	}
}

// golden is the golden ratio's fractional part, whose multiples lie evenly between 0 and 1.
const golden = 0.6180339887498949

func fraction(x float64) float64 { return x - float64(int64(x)) }

// refillTime returns how long the group takes to refill what one such call needs, as its
// limits and the engine's estimate say, and whether it refills continuously.
func (p *Proxy) refillTime(r *http.Request, le *engine.LimitError) (time.Duration, bool) {
	ref, err := p.cfg.Engine.Ref(le.Deployment)
	if err != nil || ref.Profile().Shape != provider.Bucket {
		return 0, false
	}
	var perMinute, need float64 = 0, 1
	if le.Limit.Per() != provider.PerMinute {
		return 0, false
	}
	for i := range le.States {
		perMinute += float64(max(le.States[i].Limit(le.Limit).Max, 0))
	}
	if le.Limit != engine.LimitRPM {
		if v := visitOf(r.Context()); v != nil {
			need = float64(max(v.tokens, 1))
		}
	}
	if perMinute == 0 {
		return 0, false
	}
	return time.Duration(need / perMinute * float64(time.Minute)), true
}
