package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// statusClientGone is the status in the log when the client has gone; it is never sent.
const statusClientGone = 499

// problem is the reason why a request failed.
type problem struct {
	status     int
	kind       string // for programs
	field      string // of the body or the query; "" = the problem is not about a field
	message    string // for people
	retryAfter time.Duration
	limit      *engine.LimitError // nil = no refusal by a limit
	group      string             // group that refused demand and has more candidates than limit lists; "" = none
	demand     engine.Demand
}

// problemBody is a problem in JSON.
type problemBody struct {
	Error problemDetail `json:"error"`
}

type problemDetail struct {
	Type         string      `json:"type"`
	Message      string      `json:"message"`
	Field        string      `json:"field,omitempty"`
	RequestID    string      `json:"request_id,omitempty"`
	Group        string      `json:"group,omitempty"`
	Deployment   string      `json:"deployment,omitempty"` // the candidate that frees up first
	Limit        string      `json:"limit,omitempty"`
	Token        string      `json:"token,omitempty"`         // name of the token whose own limit refuses
	RetryAfterMS int64       `json:"retry_after_ms,omitzero"` // without jitter
	Candidates   int         `json:"candidates,omitzero"`
	States       []stateBody `json:"states,omitempty"` // of the candidates, at most [MaxStates]
}

// invalid returns the problem of a field with an invalid value.
func invalid(field, message string) *problem {
	return &problem{status: http.StatusBadRequest, kind: "invalid", field: field, message: field + ": " + message}
}

func invalidf(field, format string, args ...any) *problem {
	return invalid(field, fmt.Sprintf(format, args...))
}

// MaxStates is the largest number of candidates whose usage a refusal lists. In a batch it
// lists none.
const MaxStates = 1000

// refusalOf is refusal of a group's error about a demand.
func (a *API) refusalOf(err error, group string, d *engine.Demand) *problem {
	p := a.refusal(err)
	if p.kind == "queue_full" {
		// The engine's estimate of when there will be headroom, without regard to the queue.
		if le, ok := errors.AsType[*engine.LimitError](a.engine.Explain(group, *d).Err); ok {
			p.limit, p.retryAfter = le, le.RetryAfter
		}
		p.retryAfter = max(p.retryAfter, time.Millisecond)
	}
	if le := p.limit; le != nil && le.Candidates > len(le.States) {
		p.group, p.demand = group, *d
	}
	return p
}

// allStates adds the candidates that the engine's error omits to a refusal.
func (a *API) allStates(p *problem) {
	le := *p.limit
	le.States = make([]engine.State, 0, min(le.Candidates, MaxStates))
	for _, c := range a.engine.Explain(p.group, p.demand).Candidates {
		if c.Skipped == "excluded" || c.Skipped == "tags" {
			continue
		}
		if len(le.States) == MaxStates {
			break
		}
		le.States = append(le.States, c.State)
	}
	p.limit = &le
}

// refusal converts an error of the engine into a problem.
func (a *API) refusal(err error) *problem {
	p := &problem{message: err.Error()}
	if le, ok := errors.AsType[*engine.LimitError](err); ok {
		p.limit, p.retryAfter = le, le.RetryAfter
		switch {
		case !le.Never:
			p.status, p.kind = http.StatusTooManyRequests, "limited"
		case le.Limit == engine.LimitDisabled:
			p.status, p.kind = http.StatusServiceUnavailable, "disabled"
		default:
			p.status, p.kind = http.StatusRequestEntityTooLarge, "never_fits"
		}
		return p
	}
	switch {
	case errors.Is(err, engine.ErrUnknownGroup):
		p.status, p.kind, p.field = http.StatusNotFound, "unknown_group", "group"
	case errors.Is(err, engine.ErrUnknownDeployment):
		p.status, p.kind, p.field = http.StatusNotFound, "unknown_deployment", "deployment"
	case errors.Is(err, engine.ErrNoCandidate):
		p.status, p.kind = http.StatusUnprocessableEntity, "no_candidate"
	case errors.Is(err, engine.ErrQueueFull):
		p.status, p.kind = http.StatusTooManyRequests, "queue_full"
	case errors.Is(err, server.ErrDraining):
		p.status, p.kind = http.StatusServiceUnavailable, "draining"
	case errors.Is(err, context.Canceled):
		p.status, p.kind = statusClientGone, "client_gone"
	case errors.Is(err, engine.ErrInvalidDemand): // counts were checked before
		return invalid("priority", "is no class of the configuration; priority_share lists them, the first is 0")
	default:
		p.status, p.kind = http.StatusInternalServerError, "internal"
	}
	return p
}

// body returns the part of a problem that the client receives.
func (p *problem) body(requestID string) problemBody {
	d := problemDetail{Type: p.kind, Message: p.message, Field: p.field, RequestID: requestID}
	d.RetryAfterMS = wholeMS(p.retryAfter)
	if le := p.limit; le != nil {
		d.Group, d.Deployment, d.Limit = le.Group, le.Deployment, le.Limit.String()
		d.Token = le.Caller
		d.Candidates, d.States = le.Candidates, stateBodies(le.States)
	}
	return problemBody{d}
}

// refuse answers a request with a problem.
func (a *API) refuse(w http.ResponseWriter, p *problem) {
	h := w.Header()
	if p.group != "" {
		a.allStates(p)
	}
	if p.retryAfter > 0 {
		// Jitter spreads the retries of clients that were refused together.
		wait := p.retryAfter + time.Duration(0.1*a.jitter()*float64(p.retryAfter))
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		h.Set("Retry-After-Ms", strconv.FormatInt(wholeMS(wait), 10))
	}
	a.write(w, p.status, p.body(h.Get(requestIDHeader)))
}

// wholeMS returns d in milliseconds, rounded up so that a retry is never too early.
func wholeMS(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
