package api

import (
	"context"
	"errors"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// grantSoon is the longest RetryAfter of a refusal that the next exchange with the store may
// lift; while the store is away a refusal by a share lasts longer.
const grantSoon = 200 * time.Millisecond

// grantedFirst calls decide, which does not wait. Where a ceiling alone refuses, it waits as
// [engine.Group.AcquireGranted] does until this node is granted room for the demand, gives
// that room back to the node, and calls decide once more.
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
	lease, still := g.AcquireGranted(context.Background(), *d) // which bounds the wait by itself
	if still != nil {
		return err
	}
	lease.Release()
	return decide()
}
