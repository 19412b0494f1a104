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

// Admission is how a request is to be admitted. [Config.Adjust] may change it.
type Admission struct {
	// Group is the name or alias of the group: the request's "model", "" if it has none.
	// It may be set, where the path names the model for instance.
	Group string
	// Demand is what the request is expected to consume. Its Tags, Affinity, Priority
	// and counts may be changed.
	Demand engine.Demand
	// Deployment is the ID of the only deployment that may serve the request, because it
	// holds what the request continues; "" = any of the group. Its limits hold as for any
	// request, and no other is tried.
	Deployment string
	// Fallbacks are groups that the request goes to, one after the other, when the
	// deployments of its own have failed or have no headroom; Larger are those for a
	// request that is too large for its own group, empty = Fallbacks. At most
	// [MaxFallbacks] are tried, each group once. A fault of the request itself and what a
	// Deployment holds stay with the request's own group.
	Fallbacks, Larger []Fallback
	// MaxAttempts is how many deployments of one group the request is sent to at most;
	// 0 = as the Config says.
	MaxAttempts int
	// Wait is how long the request may wait in line for headroom; 0 = not at all.
	Wait time.Duration
	// Waiting ends the wait early; nil = only the request's own context does.
	Waiting context.Context

	q *request
}

// Member returns the value of a member of the request's body as JSON; nil if there is
// none. Known are the members that decide about a request: model, stream, metadata,
// previous_response_id, prompt_cache_key, conversation, user, tags, priority and those
// from which the demand was estimated. The value is not to be changed.
func (a *Admission) Member(name string) json.RawMessage { return a.q.body.Get(name) }

// SetMember replaces a member that [Admission.Member] knows by a JSON value, in what is
// sent upstream; nil removes it. The model cannot be set: it is the endpoint's.
func (a *Admission) SetMember(name string, value json.RawMessage) {
	if name == "model" || value != nil && !wire.Valid(value) || value == nil && a.q.body.Get(name) == nil {
		return
	}
	a.q.edits = slices.DeleteFunc(a.q.edits, func(v wire.Value) bool { return v.Name == name })
	a.q.edits = append(a.q.edits, wire.Value{Name: name, Text: value})
}

// Text returns the member's text; "" if it is none.
func (a *Admission) Text(name string) string { return wire.Unquote(a.q.body.Get(name)) }

// Refusal is an error that is answered to the client in the form of its API: one of
// [Config.Adjust], or a gateway's own by [Refusal.Body].
type Refusal struct { //nolint:errname // an answer first, and an error so that Adjust can return it
	Status  int    // from 400 to 599
	Code    string // OpenAI's error code; "" = none
	Param   string // the member at fault; "" = none
	Message string
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// adjusted asks Adjust about a request, and takes over what it says.
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

// restrict leaves one deployment of a group over. It reports whether the group has it.
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

// reserve acquires a lease, at once or within the time that the request may wait. Where
// that passes, the error is that of Acquire: it says what is missing.
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
