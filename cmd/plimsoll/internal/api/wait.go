package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// MaxWait is the longest time that an acquire may wait for headroom.
const MaxWait = time.Minute

// acquireBody is the body of acquire: a demand, and how long it may wait.
type acquireBody struct {
	demandBody
	WaitMS int64 `json:"wait_ms"`
}

// waitPattern replaces the route of a request that asks to wait, so that the
// metric of decision times can omit such requests.
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

// acquireInLine waits for headroom until the body's time is over, the client has gone
// or the daemon ends.
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
			l.Release() // the client has gone and cannot end the lease
			return context.Cause(here)
		case errors.Is(err, context.DeadlineExceeded):
			*l, err = g.Acquire(d) // returns the error with the limit that refuses
		}
		return err
	})
}
