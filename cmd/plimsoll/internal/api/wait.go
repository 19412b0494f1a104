package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// MaxWait is how long an acquire may wait for room.
const MaxWait = time.Minute

// acquireBody is what acquire asks for: a demand, and how long it may wait.
type acquireBody struct {
	demandBody
	WaitMS int64 `json:"wait_ms"`
}

// waitPattern takes the place of the route of a request that asks to wait, so
// that a measurement of how long decisions take can leave it out.
const waitPattern = "POST /v1/acquire waiting"

// postAcquire is POST /v1/acquire.
func (a *API) postAcquire(w http.ResponseWriter, r *http.Request) {
	var in acquireBody
	var out acquireAnswer
	who := server.CallerOf(r.Context())
	p := a.read(w, r, &in)
	switch {
	case p != nil:
	case in.WaitMS == 0:
		p = a.acquire(who, &in.demandBody, &out)
	case in.WaitMS < 0 || in.WaitMS > MaxWait.Milliseconds():
		p = invalidf("wait_ms", "is %d; want 0 to %d", in.WaitMS, MaxWait.Milliseconds())
	default:
		r.Pattern = waitPattern
		p = a.acquireInLine(w, r, &in, &out)
	}
	a.answer(w, r, &out, p)
}

// acquireInLine waits for room as long as the body says, the client stays and the
// daemon does not end.
func (a *API) acquireInLine(w http.ResponseWriter, r *http.Request, in *acquireBody, out *acquireAnswer) *problem {
	wait := time.Duration(in.WaitMS) * time.Millisecond
	here, leave := server.Linger(w, r, wait)
	defer leave()
	return a.acquireBy(server.CallerOf(r.Context()), &in.demandBody, out, func(g *engine.Group, d engine.Demand, l *engine.Lease) (err error) {
		ctx, cancel := context.WithTimeout(here, wait)
		defer cancel()
		*l, err = g.Wait(ctx, d)
		switch {
		case here.Err() != nil:
			l.Release() // the client has gone and cannot end it
			return context.Cause(here)
		case errors.Is(err, context.DeadlineExceeded):
			*l, err = g.Acquire(d) // it says what is missing
		}
		return err
	})
}
