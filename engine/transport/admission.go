package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// Admission is the input of the admission of one request. [Config.Adjust] may change it.
type Admission struct {
	// Group is the name or alias of the group: the request's "model", "" if it has none.
	// Adjust may set it, for instance if the path names the model.
	Group string
	// Demand is what the request is expected to consume. Adjust may change its Tags,
	// Affinity, Priority, Caller and counts.
	Demand engine.Demand
	// Deployment is the ID of the only deployment that may serve the request, because it
	// stores a conversation or file that the request continues; "" = any of the group. Its
	// limits apply as to any request, and no other deployment is tried.
	Deployment string
	// Fallbacks are the groups to which the request goes, one after the other, if the
	// deployments of its own group have failed or have no headroom. Larger are those for a
	// request that is too large for its own group; empty = Fallbacks. At most
	// [MaxFallbacks] are tried, each group once. A request that is invalid itself, or has a
	// Deployment, is sent to no fallback.
	Fallbacks, Larger []Fallback
	// MaxAttempts is to how many deployments of one group the request is sent at most;
	// 0 = [Config.MaxAttempts].
	MaxAttempts int
	// Wait is how long the request may wait in the queue for headroom; 0 = not at all.
	Wait time.Duration
	// Waiting ends the wait early; nil = only the request's own context ends it.
	Waiting context.Context

	q *request
}

// Member returns the value of a member of the request's body as JSON; nil if the body does not
// have it. It returns only these members: model, stream, metadata,
// previous_response_id, prompt_cache_key, conversation, user, tags, priority and those
// from which the demand was estimated. The caller must not change the value.
func (a *Admission) Member(name string) json.RawMessage { return a.q.body.Get(name) }

// SetMember replaces a member that [Admission.Member] returns by a JSON value, in the body that
// is sent to the provider; nil removes the member. SetMember ignores the member model, which is
// the endpoint's, and a value that is not valid JSON.
func (a *Admission) SetMember(name string, value json.RawMessage) {
	if name == "model" || value != nil && !wire.Valid(value) || value == nil && a.q.body.Get(name) == nil {
		return
	}
	a.q.edits = slices.DeleteFunc(a.q.edits, func(v wire.Value) bool { return v.Name == name })
	a.q.edits = append(a.q.edits, wire.Value{Name: name, Text: value})
}

// Text returns the text of a member that is a string; else "".
func (a *Admission) Text(name string) string { return wire.Unquote(a.q.body.Get(name)) }

// Refusal is an error that the client gets in the form of its API: an error of
// [Config.Adjust], or one that a gateway answers itself by [Refusal.Body].
type Refusal struct { //nolint:errname // an answer first, and an error so that Adjust can return it
	Status  int    // from 400 to 599
	Code    string // OpenAI's error code; "" = none
	Param   string // the member at fault; "" = none
	Message string
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// adjusted calls Adjust for a request, and applies the changes.
func (t *Transport) adjusted(in *http.Request, q *request) *refusal {
	if t.adjust == nil {
		return nil
	}
	a := Admission{Group: q.group, Demand: q.demand, q: q}
	if err := t.adjust(in, &a); err != nil {
		r, ok := errors.AsType[*Refusal](err)
		if !ok || r.Status < http.StatusBadRequest || r.Status > lastStatus {
			r = &Refusal{Status: http.StatusInternalServerError, Message: fmt.Sprintf("the request cannot be admitted: %v", err)}
		}
		return &refusal{Refusal: *r, never: r.Status < http.StatusInternalServerError}
	}
	q.group, q.demand, q.only, q.wait, q.waiting = a.Group, a.Demand, a.Deployment, a.Wait, a.Waiting
	q.fallbacks, q.larger, q.most = a.Fallbacks, a.Larger, max(a.MaxAttempts, 0)
	q.demand.Exclude = append([]engine.Ref(nil), q.demand.Exclude...)
	return nil
}

// restrict excludes all deployments of a group except one. It reports whether the group has that
// one.
func (t *Transport) restrict(q *request) bool {
	found := false
	for _, id := range t.places.Load().members[q.name] {
		if id == q.only {
			found = true
		} else if ref, err := t.engine.Ref(id); err == nil {
			q.demand.Exclude = append(q.demand.Exclude, ref)
		}
	}
	return found
}

// reserve acquires a lease, at once or within the time that the request may wait. If that time
// passes, the error is that of Acquire, which names the limit.
func (q *request) reserve(ctx context.Context, group *engine.Group, lease *engine.Lease) (err error) {
	*lease, err = group.AcquireGranted(ctx, q.demand)
	limited, ok := errors.AsType[*engine.LimitError](err)
	if !ok || limited.Never || q.wait <= 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, q.wait)
	defer cancel()
	q.wait = 0 // for the first attempt alone
	if q.waiting != nil {
		defer context.AfterFunc(q.waiting, cancel)()
	}
	*lease, err = group.Wait(ctx, q.demand)
	if err == nil || ctx.Err() == nil && !errors.Is(err, engine.ErrQueueFull) {
		return err
	}
	lease.Release()
	*lease, err = group.Acquire(q.demand)
	return err
}
