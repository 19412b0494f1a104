package lab

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

const (
	refusalTime = 50 * time.Millisecond // a provider takes to refuse
	failureTime = time.Second           // and to fail
	hangTime    = 30 * time.Second      // after which a client gives up
)

// deployment is the provider's side of one deployment.
type deployment struct {
	provider.Deployment // as the router is configured
	world               *World
	draws               draws
	place               int
	real                rule.Limits
	account             *rule.Account
	phase               time.Duration
	skew                float64 // tokens of prompts that the provider counts for each that it reports
	begin, end          int64   // of the run
	now                 int64   // as adjust has seen it
	cache               promptCache

	served, tokens int64
	meter          meter
}

// newDeployment returns a deployment that has counted nothing.
func newDeployment(w *World, d provider.Deployment, place int, rng draws, begin, end int64) *deployment {
	f := &deployment{Deployment: d, world: w, draws: rng, place: place, begin: begin, end: end, skew: 1}
	f.real = limits(d)
	if w.Skew > 0 {
		f.skew = 1 + w.Skew*(2*rng.uniform(forSkew, uint64(place), 0)-1)
	}
	if w.WrongLimits > 0 {
		// Two of the configured limits are too high, two are too low.
		switch place {
		case 2, 7:
			f.real = scaled(f.real, 1/(1+w.WrongLimits))
		case 4, 8:
			f.real = scaled(f.real, 1/(1-w.WrongLimits))
		}
	}
	f.real.TPD = w.perDay(d, place, time.Duration(end-begin))
	f.phase = time.Duration(rng.at(forPhase, uint64(place), 0)%uint64(time.Minute/time.Millisecond)) * time.Millisecond
	r := w.rule()
	f.account = r.Open(f.real, f.phase)
	if !r.Phased {
		f.phase = 0
	}
	f.meter.limit = d.TPM
	if w.Cached > 0 {
		f.cache = promptCache{}
	}
	return f
}

func scaled(l rule.Limits, by float64) rule.Limits {
	for _, n := range []*int64{&l.RPM, &l.TPM, &l.InputTPM, &l.OutputTPM} {
		*n = int64(math.Round(float64(*n) * by))
	}
	return l
}

// call returns what the provider counts of the call of a number.
func (f *deployment) call(q trace.Request, number uint64) rule.Call {
	factor := f.skew
	if e := f.world.CountError; e > 0 {
		factor *= 1 + e*(2*f.draws.uniform(forCount, number, uint64(f.place))-1)
	}
	c := rule.Call{Input: int64(math.Round(float64(q.Input) * factor)), Output: q.Output, MaxOutput: q.MaxOutput}
	if f.cache.has(conversation(f.draws, number), f.now) {
		c.Cached = int64(float64(c.Input) * f.world.Cached)
	}
	return c
}

// within reports whether an instant is in a part of the run, from and to being shares of it.
func (f *deployment) within(now int64, from, to float64) bool {
	x := float64(now-f.begin) / float64(max(f.end-f.begin, 1))
	return x >= from && x < to
}

// adjust applies a change of the limits, which comes and goes with time.
func (f *deployment) adjust(now int64) {
	f.now = now
	if !f.world.Halve || f.place%4 != 2 {
		return
	}
	l := f.real
	if f.within(now, 1./3, 2./3) {
		l = scaled(l, 0.5)
	}
	f.account.SetLimits(now, l)
}

// fault is how an attempt fails, other than by a refusal.
type fault struct {
	status int // 0 = none
	hangs  bool
	slow   float64 // factor of the time to the first token
}

// fault returns what happens to the attempt of a call that arrives now.
func (f *deployment) fault(now int64, number, attempt uint64) fault {
	if !f.within(now, 0.4, 0.6) {
		return fault{slow: 1}
	}
	switch f.world.Faults {
	case BrownOut:
		if f.place != 3 && f.place != 7 || f.draws.uniform(forFault, number, attempt) < 0.5 {
			break
		}
		if f.place == 3 {
			return fault{status: 500}
		}
		return fault{status: 529}
	case Dead:
		return fault{hangs: f.place == 7, slow: 1}
	case Slow:
		if f.place%4 == 1 {
			return fault{slow: 10}
		}
	case NoFaults:
	}
	return fault{slow: 1}
}

// times returns how long the deployment takes for a call that it accepts: to the first
// token and to the end. Both have a log-normal noise of 20 % and 10 %.
func (f *deployment) times(q trace.Request, number uint64, slow float64) (first, all time.Duration) {
	first = time.Duration(float64(provider.FirstToken(q)) * slow * math.Exp(0.2*f.draws.normal(forFirstToken, number, uint64(f.place))))
	rest := float64(q.Output) * float64(f.PerOutputToken) * math.Exp(0.1*f.draws.normal(forSpeed, number, uint64(f.place)))
	return first, first + time.Duration(rest)
}

// answer returns the headers of an answer as the world shows them, and the body of a
// refusal.
func (f *deployment) answer(now int64, number, attempt uint64, refusal *rule.Refusal) (header func(string) string, body []byte) {
	if refusal != nil {
		_, body = f.account.Body(refusal)
	}
	h := f.account.Headers(now, refusal)
	switch {
	case refusal == nil && f.draws.uniform(forHeaderLoss, number, attempt) < f.world.HeaderLoss:
		h = nil
	case f.world.Headers == OnlyRetryAfter:
		h = only(h, "retry-after", "retry-after-ms")
	case f.world.Headers == ResetOnRefusal && refusal == nil:
		for _, name := range []string{"x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"} {
			delete(h, name)
		}
	}
	return func(name string) string { return h[lower(name)] }, body
}

func only(h map[string]string, names ...string) map[string]string {
	kept := map[string]string{}
	for _, n := range names {
		if v, ok := h[n]; ok {
			kept[n] = v
		}
	}
	return kept
}
