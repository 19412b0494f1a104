package transport

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// MaxFallbacks is how many fallbacks of one request are tried at most.
const MaxFallbacks = 5

// Fallback is a group to which a request goes after its own group has failed to serve it.
type Fallback struct {
	// Group is the group's name, its alias or a name that fits its pattern.
	Group string
	// Tags and Exclude replace those of the demand.
	Tags    []string
	Exclude []engine.Ref
}

// turn is what came of a request in one group.
type turn struct {
	resp *http.Response
	no   *refusal
	err  error
	// failed reports that the group did not serve the request and another one may;
	// large, that the request is too large for its deployments.
	failed, large bool
}

// discard closes the answer of a turn that another turn replaces.
func (o *turn) discard() {
	if o.resp != nil {
		_ = o.resp.Body.Close()
	}
}

// fallBack sends a request that its own group failed to serve to one fallback after the
// other. The client is answered by the first that serves it, or else what its own group
// answered.
func (t *Transport) fallBack(in *http.Request, q *request, own turn) turn {
	list := q.fallbacks
	if own.large && len(q.larger) > 0 {
		list = q.larger
	}
	asked, wild, name := q.group, q.wild, q.name
	tried := map[string]bool{name: true}
	for _, f := range list[:min(len(list), MaxFallbacks)] {
		if in.Context().Err() != nil {
			break
		}
		group, wild, ok := t.groupOf(f.Group)
		if !ok || tried[group.Name()] {
			continue
		}
		tried[group.Name()] = true
		q.group, q.wild, q.large, q.passed, q.wait = f.Group, wild, nil, 0, 0
		q.demand.Tags, q.demand.Exclude = f.Tags, append([]engine.Ref(nil), f.Exclude...)
		next := t.inGroup(in, q, group)
		if !next.failed {
			own.discard()
			return next
		}
		next.discard()
	}
	q.group, q.wild, q.name = asked, wild, name
	return own
}

// groupOf returns the group that a client's name means, and what the asterisk of its
// pattern stands for; false if there is none. The name of a pattern is no model.
func (t *Transport) groupOf(name string) (group *engine.Group, wild string, ok bool) {
	group, err := t.engine.Group(name)
	if err != nil {
		return nil, "", false
	}
	if !strings.Contains(group.Name(), "*") {
		return group, "", true
	}
	wild, ok = group.Wildcard(name)
	return group, wild, ok
}

// inGroup sends a request to one deployment of a group after the other.
func (t *Transport) inGroup(in *http.Request, q *request, group *engine.Group) turn {
	q.name = group.Name()
	retries := t.places.Load().groups[q.name]
	if retries == nil {
		return turn{no: unservedGroup(q.group), failed: true}
	}
	if q.only != "" && !t.restrict(q) {
		return turn{no: goneDeployment()}
	}
	if q.op.counts() == uncounted {
		resp, no, err := t.pass(in, q)
		return turn{resp: resp, no: no, err: err}
	}
	retries.earn()
	var last *outcome
	for n := 1; ; n++ {
		began := time.Now()
		c, err := t.acquire(in.Context(), group, q)
		if err != nil {
			return t.ended(in.Context(), q, last, err)
		}
		last.discard()
		q.attempts++
		c.began, c.report.Number = began, q.attempts
		resp, failure := t.attempt(in, q, c)
		if failure == nil {
			return turn{resp: resp}
		}
		last = failure
		q.demand.Exclude = append(q.demand.Exclude, c.ref)
		if n >= t.most(q) || in.Context().Err() != nil || !q.again(last, retries) {
			return t.ended(in.Context(), q, last, nil)
		}
	}
}

// most returns how many deployments of one group a request is sent to at most.
func (t *Transport) most(q *request) int {
	if q.most > 0 {
		return min(q.most, largestMaxAttempts)
	}
	return t.maxAttempts
}

// ended returns the turn whose last attempt failed, or, without any, whose reservation
// was refused with err. A call that creates something may have done so: it goes nowhere
// else. Retries of other groups need no budget: they are not those in trouble.
func (t *Transport) ended(ctx context.Context, q *request, last *outcome, err error) turn {
	if last == nil {
		limited, ok := errors.AsType[*engine.LimitError](err)
		caller := ok && limited.Caller != "" // whose limits hold in every group
		return turn{no: refusalOf(err, q), failed: ctx.Err() == nil && q.only == "" && !caller, large: ok && limited.Never && !caller}
	}
	return turn{
		resp: last.resp, err: last.err, large: last.signal.Kind == provider.TooLarge,
		failed: ctx.Err() == nil && q.only == "" && !(last.signal.Worked && q.creates()),
	}
}
