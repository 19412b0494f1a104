package api

import (
	"context"
	"errors"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// grantSoon is the longest RetryAfter of a refusal that the next exchange with the store can
// lift. Refusals by a share while the store is away have a longer one.
const grantSoon = 200 * time.Millisecond

// grantedFirst calls decide, which does not wait. If only a ceiling refuses, it waits by
// [engine.Group.AcquireGranted] until this node has a grant for the demand, releases the
// lease, which leaves the grant with the node, and calls decide again.
func (a *API) grantedFirst(d *engine.Demand, decide func() error) error {
	err := decide()
	refused, ok := errors.AsType[*engine.LimitError](err)
	if !ok || refused.Limit != engine.LimitShare || refused.Never || refused.RetryAfter > grantSoon {
		return err
	}
	g, unknown := a.engine.Group(refused.Group)
	if unknown != nil {
		return err
	}
	lease, still := g.AcquireGranted(context.Background(), *d) // AcquireGranted bounds the wait
	if still != nil {
		return err
	}
	lease.Release()
	return decide()
}
