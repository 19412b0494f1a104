package lab

import (
	"context"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Start is the virtual instant at which every run begins, a whole minute of UTC. The clock
// of package testing/synctest begins there too.
var Start = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// maxAttempts is how often a call is sent: once, and again after a refusal or a failure.
const maxAttempts = 2

// simulation is a run under way. Its time moves from event to event.
type simulation struct {
	world       *World
	now         int64 // Unix nanoseconds
	events      events
	policy      Policy
	deployments []*deployment
	draws       draws
	waits       waits
	calls       uint64
	exchanges   int // events of nodes that share; once there are no others the run ends
	outcome     Outcome
	closing     []func()
}

// call is a request on its way through the simulation.
type call struct {
	trace.Request
	number   uint64
	arrived  int64
	tried    []int
	failures int    // of the attempts
	done     func() // for closed loops; nil = nothing
}

// Run plays a traffic in a world under a policy. The traffic must have been fitted to the
// world. It ends early with the error of ctx.
func Run(ctx context.Context, w World, t *Traffic, policy PolicyKind, seed uint64) (out *Outcome, err error) {
	if w.Wait > 0 && policy.Waits {
		bubble(func() { out, err = run(ctx, w, t, policy, seed, true) })
		return out, err
	}
	w.Wait = 0
	return run(ctx, w, t, policy, seed, false)
}

func run(ctx context.Context, w World, t *Traffic, policy PolicyKind, seed uint64, virtual bool) (*Outcome, error) {
	if policy.Bound {
		w.Network, w.Faults, w.HeaderLoss = false, NoFaults, 0
	}
	s := &simulation{world: &w, now: Start.UnixNano(), draws: draws(mix(seed + 1))}
	configured := w.pool()
	setting := &Setting{
		World: &w, Pool: configured, Virtual: virtual, Seed: s.draws.at(forEngine, 0, 0), sim: s, Length: t.duration(),
		Now: func() time.Time { return time.Unix(0, s.now) },
	}
	if policy.Pooled {
		setting.Pool = []provider.Deployment{provider.Pooled(configured)}
	}
	end := s.now + int64(t.duration())
	for i, d := range setting.Pool {
		s.deployments = append(s.deployments, newDeployment(&w, d, i, s.draws, s.now, end))
	}
	if policy.Pooled {
		s.pool(configured, end)
	}
	var err error
	if s.policy, err = s.policyOf(setting, policy); err != nil {
		return nil, err
	}
	defer s.close()
	s.disturb(end)
	s.arrivals(t.Calls, 0)
	for i := range t.Sessions {
		session := &t.Sessions[i]
		s.after(session.Begin, func() { s.round(session, 0) })
	}
	if virtual {
		err = s.loopVirtual(ctx)
	} else {
		err = s.loop(ctx)
	}
	return s.finish(t), err
}

// loop plays events until there are none.
func (s *simulation) loop(ctx context.Context) error {
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := s.events.next(); !ok {
			return nil
		}
		e := s.events.take()
		s.now = max(s.now, e.at)
		e.do()
	}
}

func (s *simulation) close() {
	for _, f := range s.closing {
		f()
	}
}

// after schedules an event.
func (s *simulation) after(d time.Duration, do func()) { s.events.add(s.now+int64(d), do) }

// arrivals schedules the arrival of calls, one after the other.
func (s *simulation) arrivals(calls trace.Trace, i int) {
	if i == len(calls) {
		return
	}
	s.events.add(Start.UnixNano()+int64(calls[i].Arrival+apart(uint64(i))), func() {
		s.submit(calls[i], nil)
		s.arrivals(calls, i+1)
	})
}

// round begins a round of a session after the time to think. The next one begins when all
// of its calls have ended.
func (s *simulation) round(session *Session, i int) {
	if i == len(session.Steps) {
		return
	}
	step := &session.Steps[i]
	s.after(step.Think, func() {
		open := len(step.Calls)
		for _, r := range step.Calls {
			s.submit(r, func() {
				if open--; open == 0 {
					s.round(session, i+1)
				}
			})
		}
	})
}

// submit begins a call.
func (s *simulation) submit(r trace.Request, done func()) {
	c := &call{Request: r, number: s.calls, arrived: s.now, done: done}
	s.calls++
	if s.world.CountError > 0 {
		// Routers misjudge prompts by 5 %, log-normal.
		c.Estimate = int64(math.Round(float64(c.Input) * math.Exp(s.world.CountError/2*s.draws.normal(forEstimate, c.number, 0))))
	}
	s.outcome.Offered++
	s.outcome.OfferedByClass[s.classOf(c)]++
	s.outcome.OfferedBySize[sizeOf(r)]++
	s.outcome.TokensOffered += c.Tokens()
	s.send(c)
}

// classOf returns the class of a call, 0 where there is one class only.
func (s *simulation) classOf(c *call) int {
	if s.world.batch(s.draws, c.number) {
		return 1
	}
	return 0
}

// send makes one attempt of a call.
func (s *simulation) send(c *call) {
	begun := s.now
	s.policy.Admit(c.number, c.Request, c.tried, func(a Attempt) {
		if len(c.tried) == 0 {
			s.outcome.waited(c.Request, time.Duration(s.now-begun), a != nil)
		}
		if a == nil {
			s.refuse(c)
			return
		}
		s.outcome.Attempts++
		if !s.world.Network {
			s.arrive(c, a) // before anything else happens, which a clairvoyant relies on
			return
		}
		s.after(s.way(forRequestWay, c), func() { s.arrive(c, a) })
	})
}

// way returns how long a message of a call takes.
func (s *simulation) way(what uint64, c *call) time.Duration {
	if !s.world.Network {
		return 0
	}
	return 15*time.Millisecond + time.Duration(30e6*s.draws.exponential(what, c.number, uint64(len(c.tried))))
}

// refuse ends a call that no deployment takes.
func (s *simulation) refuse(c *call) {
	switch {
	case c.failures > 0:
		s.outcome.Failed++
	case len(c.tried) == 0:
		s.outcome.RefusedLocal++
	default:
		s.outcome.RefusedProvider++
	}
	s.outcome.RefusedBySize[sizeOf(c.Request)]++
	s.ended(c)
}

func (s *simulation) ended(c *call) {
	if c.done != nil {
		c.done()
	}
}

// arrive lets the provider judge an attempt.
func (s *simulation) arrive(c *call, a Attempt) {
	d := s.deployments[a.Deployment()]
	attempt := uint64(len(c.tried))
	d.adjust(s.now)
	f := d.fault(s.now, c.number, attempt)
	switch {
	case f.hangs:
		s.after(hangTime, func() { s.fail(c, a, 0) })
		return
	case f.status != 0:
		s.after(failureTime+s.way(forAnswerWay, c), func() {
			a.Headers(f.status, func(string) string { return "" }, nil)
			s.fail(c, a, f.status)
		})
		return
	}
	refusal := d.account.Admit(s.now, d.call(c.Request, c.number))
	if refusal != nil {
		s.outcome.refused(d, s.now)
		header, body := d.answer(s.now, c.number, attempt, refusal)
		wait := time.Duration(0)
		if header("retry-after") != "" {
			wait = refusal.RetryAfter()
		}
		s.after(refusalTime+s.way(forAnswerWay, c), func() {
			a.Headers(429, header, body)
			a.Refused(wait)
			s.again(c, a)
		})
		return
	}
	s.serve(c, a, d, f)
}

// serve lets the provider work on an attempt that it accepted.
func (s *simulation) serve(c *call, a Attempt, d *deployment, f fault) {
	admitted, q := s.now, d.call(c.Request, c.number)
	d.cache.use(conversation(d.draws, c.number), s.now)
	s.outcome.CachedTokens += q.Cached
	d.meter.add(s.now, c.Input)
	s.outcome.spent(d, s.now, c.Input)
	first, all := d.times(c.Request, c.number, f.slow)
	back := s.way(forAnswerWay, c)
	if _, ignores := a.(interface{ ignoresHeaders() }); !ignores {
		header, _ := d.answer(s.now, c.number, uint64(len(c.tried)), nil)
		s.after(first+back, func() { a.Headers(200, header, nil) })
	}
	s.after(all, func() {
		d.account.End(s.now, admitted, q)
		d.meter.add(s.now, c.Output)
		s.outcome.spent(d, s.now, c.Output)
	})
	s.after(all+back, func() {
		a.Served(c.Request, q.Cached)
		d.served++
		d.tokens += c.Tokens()
		s.outcome.Served++
		s.outcome.ServedByClass[s.classOf(c)]++
		s.outcome.TokensServed += c.Tokens()
		s.ended(c)
	})
}

// fail ends an attempt that failed.
func (s *simulation) fail(c *call, a Attempt, status int) {
	s.outcome.Failures++
	c.failures++
	a.Failed(status)
	s.again(c, a)
}

// again sends a call once more, if it may be.
func (s *simulation) again(c *call, a Attempt) {
	c.tried = append(c.tried, a.Deployment())
	if len(c.tried) == maxAttempts {
		s.refuse(c)
		return
	}
	s.send(c)
}
