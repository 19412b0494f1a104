package replay

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// maxAttempts is how often a call is sent: once, and again after a refusal.
const maxAttempts = 2

// checkEvery is how many arrivals pass between two looks at the context.
const checkEvery = 256

// simulation is a replay under way. Only run moves its time, from event to
// event.
type simulation struct {
	now         time.Time
	current     time.Time // the minute of the policy's latest decision
	policy      Policy
	cluster     *cluster // the policy, if several nodes share it; else nil
	deployments []deployment
	ends        queue
	decisions   int64
	report      Report
	progress    func(done int)
}

// deployment is the provider's side of a deployment, and the accounts of it.
type deployment struct {
	provider.Deployment
	rule           *provider.Rule
	headers        bool // its answers have headers
	ledger         ledger
	meter          meter
	served, tokens int64
}

// name is what reports call it.
func (d *deployment) name() string { return cmp.Or(d.Label, d.ID) }

// call is a request on its way through the simulation.
type call struct {
	trace.Request
	tried []int // deployments that have refused it
}

func newSimulation(o Options) (*simulation, error) {
	if len(o.Trace) == 0 {
		return nil, errors.New("the trace has no requests")
	}
	s := &simulation{now: Start, progress: o.Progress, report: Report{Policy: o.PolicyName}}
	if s.progress == nil {
		s.progress = func(int) {}
	}
	if o.Kind != nil {
		s.report.Rule = o.Kind.Name
		o.Pool = slices.Clone(o.Pool)
		for i := range o.Pool {
			o.Pool[i].Kind = o.Kind
		}
	}
	s.deployments = farSide(o.Pool, o.Rule)
	now := func() time.Time { return s.now }
	var err error
	if o.Nodes == nil {
		s.policy, err = o.Policy(o.Pool, now, o.Seed)
		return s, err
	}
	if s.cluster, err = newCluster(*o.Nodes, o.Policy, o.Pool, now, o.Seed); err != nil {
		return nil, err
	}
	s.policy = s.cluster
	return s, nil
}

// farSide returns the deployments of a pool, before any call. newRule is for all
// of them; nil = each has the rule of its Kind.
func farSide(pool []provider.Deployment, newRule provider.NewRule) []deployment {
	var all []deployment
	for _, d := range pool {
		far := deployment{Deployment: d, meter: meter{limit: d.TPM}}
		switch {
		case newRule != nil:
			far.rule = newRule(d)
		case d.Kind != nil:
			far.rule, far.headers = d.Kind.New(d), d.Kind.Vendor != ""
		default:
			far.rule = provider.NewFixedMinute(d)
		}
		all = append(all, far)
	}
	return all
}

// close ends what the simulation has running.
func (s *simulation) close() {
	if s.cluster != nil {
		s.cluster.close()
	}
}

// run lets the requests arrive and every call end. Of an end and an arrival at
// one instant, the end is first.
func (s *simulation) run(ctx context.Context, t trace.Trace) error {
	for i, r := range t {
		if i%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.progress(i)
		}
		arrival := Start.Add(r.Arrival)
		s.endUntil(arrival)
		s.now = arrival
		s.report.Offered++
		s.send(&call{Request: r})
	}
	for at, ok := s.ends.next(); ok; at, ok = s.ends.next() {
		s.endUntil(at)
	}
	s.progress(len(t))
	return ctx.Err()
}

// endUntil lets everything happen that happens up to that instant.
func (s *simulation) endUntil(limit time.Time) {
	for {
		at, ok := s.ends.next()
		if !ok || at.After(limit) {
			return
		}
		s.now = at
		s.end(s.ends.take())
	}
}

// send makes one attempt of a call: the policy admits it to a deployment, whose
// provider judges it at once and answers later.
func (s *simulation) send(c *call) {
	s.decisions++
	s.current = s.now.Truncate(time.Minute)
	a, ok := s.policy.Admit(c.Request, c.tried)
	if !ok {
		if len(c.tried) == 0 {
			s.report.RefusedLocal++
		} else {
			s.report.RefusedProvider++
		}
		return
	}
	d := &s.deployments[a.Deployment()]
	d.ledger.admit(s.now, a.Reserved(), c.Input)
	e := event{call: c, attempt: a, admitted: s.now}
	refusal := d.rule.Admit(s.now, c.Request)
	if refusal == nil {
		d.meter.add(s.now, c.Input)
		e.at = s.now.Add(d.CallTime(c.Request))
	} else {
		e.refused, e.at, e.retryAfter = true, s.now.Add(provider.RefusalTime), refusal.RetryAfter()
	}
	s.respond(d, &e, refusal)
	s.ends.add(e)
}

// respond writes the headers of a response as the accounts stand when the call
// is judged. They come with the first token, or with the refusal.
func (s *simulation) respond(d *deployment, e *event, refusal *rule.Refusal) {
	if _, ok := e.attempt.(Listener); !ok || !d.headers {
		return
	}
	header, body := d.rule.Answer(s.now, refusal)
	if e.refused {
		e.header, e.body = header, body
		return
	}
	first := *e
	first.at, first.first, first.header = s.now.Add(provider.FirstToken(e.call.Request)), true, header
	s.ends.add(first)
}

// end lets an attempt come back from its deployment, or its first token.
func (s *simulation) end(e event) {
	if e.first {
		e.attempt.(Listener).Headers(http.StatusOK, e.header, nil)
		return
	}
	c, place := e.call, e.attempt.Deployment()
	d := &s.deployments[place]
	if !e.refused {
		d.ledger.end(s.now, s.current, e.admitted, e.attempt.Reserved(), c.Input, c.Output)
		d.rule.End(s.now, e.admitted, c.Request)
		d.meter.add(s.now, c.Output)
		e.attempt.Served(c.Request)
		d.served++
		d.tokens += c.Tokens()
		return
	}
	s.report.Provider429++
	d.ledger.end(s.now, s.current, e.admitted, e.attempt.Reserved(), 0, 0)
	if e.header != nil {
		e.attempt.(Listener).Headers(http.StatusTooManyRequests, e.header, e.body)
	}
	e.attempt.Refused(e.retryAfter)
	c.tried = append(c.tried, place)
	if len(c.tried) == maxAttempts {
		s.report.RefusedProvider++
		return
	}
	s.send(c)
}

// finish completes the report, once every call has ended.
func (s *simulation) finish(t trace.Trace, wall time.Duration) *Report {
	r := &s.report
	r.Minutes = minutes(t.Duration())
	r.TokensOffered = t.Tokens()
	r.WallMS = wall.Milliseconds()
	mean := float64(r.TokensOffered) / float64(max(r.Offered, 1))
	if seconds := wall.Seconds(); seconds > 0 {
		r.DecisionsPerS = int64(float64(s.decisions) / seconds)
	}
	for i := range s.deployments {
		d := &s.deployments[i]
		r.Served += d.served
		r.TokensServed += d.tokens
		r.QuotaTokens += int64(d.Capacity(mean) * float64(r.Minutes))
		r.OverrunTokens += d.meter.overrun
		r.Deployments = append(r.Deployments, DeploymentReport{
			ID:              d.name(),
			RPMLimit:        d.RPM,
			TPMLimit:        d.TPM,
			Served:          d.served,
			Tokens:          d.tokens,
			PeakRPM:         d.ledger.peakRequests,
			PeakReservedTPM: d.ledger.peakUsage,
			PeakEndedTPM:    d.ledger.peakEnded,
		})
	}
	r.Fairness = fairness(r.Deployments)
	if s.cluster != nil {
		r.Cluster = s.cluster.report(s.deployments)
	}
	return r
}
