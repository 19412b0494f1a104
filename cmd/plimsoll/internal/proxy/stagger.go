package proxy

import (
	"math/rand/v2"
	"net/http"
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
	// maxQueues bounds the groups and limits that are remembered; older ones are dropped.
	maxQueues = 4096
)

// queues say when clients that were refused should come back. The engine's answer is the
// same for all of them: when the next one fits. If all came then, all but one would be
// refused again.
type queues struct {
	mu   sync.Mutex
	last map[queueKey]place
}

type queueKey struct {
	group string
	limit engine.Limit
}

// place is the last one that was given out.
type place struct {
	at time.Time // it is due
	k  int       // of those since a place was due without a wait
}

// next gives the next place: after wait, or step behind the last one where that is later,
// within slack. It returns the time until then, and how many hold a place before.
func (q *queues) next(key queueKey, now time.Time, wait, step, slack time.Duration) (time.Duration, int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last == nil || len(q.last) >= maxQueues {
		q.last = map[queueKey]place{}
	}
	at, k := now.Add(wait), 0
	if p, ok := q.last[key]; ok && p.at.Add(step+slack).After(at) {
		if k = p.k + 1; p.at.Add(step).After(at) {
			at = p.at.Add(step)
		}
	}
	q.last[key] = place{at, k}
	return at.Sub(now), k
}

// refused is [transport.Config.Refused]: it spreads the clients that are refused. Only
// the header changes, the time in the message stays exact.
func (p *Proxy) refused(r *http.Request, le *engine.LimitError, h http.Header) {
	if p.cfg.Refused != nil {
		p.cfg.Refused(le.Group)
	}
	if le.Never || h.Get("Retry-After") == "" {
		return
	}
	wait := le.RetryAfter
	now := time.Now()
	switch step, bucket := p.refill(r, le); {
	case wait > maxRetryAfter:
	case bucket && step > 0:
		var k int
		if wait, k = p.queues.next(queueKey{le.Group, le.Limit}, now, wait, step, 0); wait > maxRetryAfter*10/11 {
			// Behind the last place of a minute: somewhere in its second half.
			wait = maxRetryAfter/2 + time.Duration(rand.Int64N(int64(maxRetryAfter/2*9/11)))
			p.queues.full(queueKey{le.Group, le.Limit}, now, k)
		}
	default:
		// Places of a window in a sequence that covers it evenly, however many there are.
		_, k := p.queues.next(queueKey{le.Group, le.Limit}, now, wait, 0, time.Second)
		wait += time.Duration(fraction(float64(k)*golden) * float64(crowd))
	}
	wait += time.Duration(rand.Int64N(int64(wait)/10 + 1))
	h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	h.Set("Retry-After-Ms", strconv.FormatInt(int64((wait+time.Millisecond-1)/time.Millisecond), 10))
	if wait > maxRetryAfter {
		h.Set("X-Should-Retry", "false")
	}
}

// full takes the last place back, which was beyond a minute.
func (q *queues) full(key queueKey, now time.Time, k int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last[key] = place{now.Add(maxRetryAfter), k}
}

// golden is the golden ratio's fractional part, whose multiples lie evenly between 0 and 1.
const golden = 0.6180339887498949

func fraction(x float64) float64 { return x - float64(int64(x)) }

// refill returns how long the group takes to refill what one such call needs, as its
// limits and the engine's estimate say, and whether it refills continuously.
func (p *Proxy) refill(r *http.Request, le *engine.LimitError) (time.Duration, bool) {
	ref, err := p.cfg.Engine.Ref(le.Deployment)
	if err != nil || ref.Profile().Shape != provider.Bucket {
		return 0, false
	}
	var perMinute, need float64 = 0, 1
	for i := range le.States {
		st := &le.States[i]
		switch le.Limit {
		case engine.LimitRPM:
			perMinute += float64(max(st.RequestLimit, 0))
		case engine.LimitTPM:
			perMinute += float64(max(st.TokenLimit, 0))
		case engine.LimitInputTPM:
			perMinute += float64(max(st.InputTokenLimit, 0))
		case engine.LimitOutputTPM:
			perMinute += float64(max(st.OutputTokenLimit, 0))
		default:
			return 0, false
		}
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
