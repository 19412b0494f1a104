package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// problem is why a request was not done.
type problem struct {
	status     int
	kind       string // for programs
	field      string // of the body or the query; "" = not about one
	message    string // for people
	retryAfter time.Duration
	limit      *engine.LimitError // nil = no refusal by a limit
}

// problemBody is a problem in JSON.
type problemBody struct {
	Error problemDetail `json:"error"`
}

type problemDetail struct {
	Type         string         `json:"type"`
	Message      string         `json:"message"`
	Field        string         `json:"field,omitempty"`
	RequestID    string         `json:"request_id,omitempty"`
	Group        string         `json:"group,omitempty"`
	Deployment   string         `json:"deployment,omitempty"` // the candidate that frees up first
	Limit        string         `json:"limit,omitempty"`
	RetryAfterMS int64          `json:"retry_after_ms,omitzero"` // without jitter
	Candidates   int            `json:"candidates,omitzero"`
	States       []engine.State `json:"states,omitempty"` // of the candidates, at most 32
}

// invalid is a field of a request that cannot be taken.
func invalid(field, message string) *problem {
	return &problem{status: http.StatusBadRequest, kind: "invalid", field: field, message: field + ": " + message}
}

func invalidf(field, format string, args ...any) *problem {
	return invalid(field, fmt.Sprintf(format, args...))
}

// refusal puts an error of the engine into the API's terms.
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
	case errors.Is(err, engine.ErrInvalidDemand):
		p.status, p.kind = http.StatusBadRequest, "invalid"
	default:
		p.status, p.kind = http.StatusInternalServerError, "internal"
	}
	return p
}

// body returns what is told of a problem.
func (p *problem) body(requestID string) problemBody {
	d := problemDetail{Type: p.kind, Message: p.message, Field: p.field, RequestID: requestID}
	d.RetryAfterMS = wholeMS(p.retryAfter)
	if le := p.limit; le != nil {
		d.Group, d.Deployment, d.Limit = le.Group, le.Deployment, le.Limit.String()
		d.Candidates, d.States = le.Candidates, le.States
	}
	return problemBody{d}
}

// refuse answers a request with a problem.
func (a *API) refuse(w http.ResponseWriter, p *problem) {
	h := w.Header()
	if p.retryAfter > 0 {
		// Clients that were refused together must not come back together.
		wait := p.retryAfter + time.Duration(0.1*a.jitter()*float64(p.retryAfter))
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		h.Set("Retry-After-Ms", strconv.FormatInt(wholeMS(wait), 10))
	}
	write(w, p.status, p.body(h.Get(requestIDHeader)))
}

// wholeMS rounds up: who waits that long does not come too early.
func wholeMS(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
