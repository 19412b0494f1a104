package provider

import (
	"hash/fnv"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// windows is a rule that counts in windows, each of which begins at nothing.
type windows struct {
	requests, tokens window
	whole            bool // all is charged at admission, the most that the answer may be long included
}

// window is one count, of one window.
type window struct {
	limit  int64 // of a window, as of [Deployment]
	length time.Duration
	phase  time.Duration // after a whole length of UTC, at which windows begin
	begin  time.Time     // of the window counted
	used   int64
}

// NewFixedMinute returns a rule that counts per UTC minute: a call's request and
// input tokens when it is admitted, its output tokens when it ends, each in the
// minute of that instant. It admits what keeps requests <= RPM and tokens <= TPM;
// as outputs come later, tokens may end above TPM. A refused call is not
// counted; Retry-After leads to the end of the minute.
func NewFixedMinute(d Deployment) Rule { return fixed(d, 0) }

// NewFixedUnknown is [NewFixedMinute] with minutes that begin at a second of the
// provider's own, a different one for each deployment.
func NewFixedUnknown(d Deployment) Rule { return fixed(d, phase(d)) }

func fixed(d Deployment, phase time.Duration) Rule {
	return &windows{
		requests: window{limit: d.RPM, length: time.Minute, phase: phase},
		tokens:   window{limit: d.TPM, length: time.Minute, phase: phase},
	}
}

// NewAzure10 returns Azure's rule: a call is charged its input and the most that
// its answer may be long when it is admitted, and nothing when it ends; tokens
// count per minute, requests per 10 s of it, against a sixth of RPM. Minutes
// begin at a second of the deployment's own.
func NewAzure10(d Deployment) Rule { return azure(d, 10*time.Second) }

// NewAzure1 is [NewAzure10] with requests judged per second, against a sixtieth
// of RPM.
func NewAzure1(d Deployment) Rule { return azure(d, time.Second) }

func azure(d Deployment, slice time.Duration) Rule {
	p := phase(d)
	requests := window{limit: d.RPM, length: slice, phase: p % slice}
	if d.RPM > 0 {
		requests.limit = max(1, d.RPM*int64(slice)/int64(time.Minute))
	}
	return &windows{requests: requests, tokens: window{limit: d.TPM, length: time.Minute, phase: p}, whole: true}
}

// phase returns when in a minute the deployment's windows begin, in
// milliseconds. It is drawn by the ID, so that it is the same in every run.
func phase(d Deployment) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.ID)) // never fails
	return time.Duration(h.Sum64()%uint64(time.Minute/time.Millisecond)) * time.Millisecond
}

// Charge implements [Rule].
func (w *windows) Charge(r trace.Request) int64 {
	if w.whole {
		return r.Input + r.MaxOutput
	}
	return r.Input
}

// Admit implements [Rule].
func (w *windows) Admit(now time.Time, r trace.Request) (retryAfter time.Duration, ok bool) {
	w.turn(now)
	charge := w.Charge(r)
	wait := time.Duration(0)
	if !fits(w.requests.used+1, w.requests.limit) {
		wait = w.requests.left(now)
	}
	if !fits(w.tokens.used+charge, w.tokens.limit) {
		wait = max(wait, w.tokens.left(now))
	}
	if wait > 0 {
		return wholeSeconds(wait), false
	}
	w.requests.used++
	w.tokens.used += charge
	return 0, true
}

// End implements [Rule].
func (w *windows) End(now time.Time, r trace.Request) {
	w.turn(now)
	if !w.whole {
		w.tokens.used += r.Output
	}
}

// State implements [Rule].
func (w *windows) State(now time.Time) State {
	w.turn(now)
	return State{w.requests.account(now), w.tokens.account(now)}
}

func (w *windows) turn(now time.Time) {
	w.requests.turn(now)
	w.tokens.turn(now)
}

// turn starts counting anew when a window has begun.
func (w *window) turn(now time.Time) {
	if begin := now.Add(-w.phase).Truncate(w.length).Add(w.phase); !begin.Equal(w.begin) {
		w.begin, w.used = begin, 0
	}
}

// left returns how much of the window has yet to pass.
func (w *window) left(now time.Time) time.Duration { return w.begin.Add(w.length).Sub(now) }

func (w *window) account(now time.Time) Account {
	return Account{Limit: w.limit, Left: max(0, w.limit) - w.used, Reset: w.left(now), Whole: true}
}
