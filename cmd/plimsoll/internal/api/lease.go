package api

import (
	"context"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

type acquireAnswer struct {
	Lease          string    `json:"lease"`
	Deployment     string    `json:"deployment"`
	Group          string    `json:"group"`
	Model          string    `json:"model,omitempty"`
	ReservedTokens int64     `json:"reserved_tokens"`
	ExpiresAt      time.Time `json:"expires_at"`
}

// acquire is POST /v1/acquire without a wait.
func (a *API) acquire(who *server.Token, in *demandBody, out *acquireAnswer) *problem {
	return a.acquireBy(who, in, out, func(g *engine.Group, d engine.Demand, l *engine.Lease) (err error) {
		*l, err = g.AcquireGranted(context.Background(), d) // AcquireGranted bounds the wait
		return err
	})
}

// acquireBy takes a lease by take, and stores it under a name.
func (a *API) acquireBy(who *server.Token, in *demandBody, out *acquireAnswer, take func(*engine.Group, engine.Demand, *engine.Lease) error) *problem {
	d, p := a.demand(who, in)
	if p != nil {
		return p
	}
	g, err := a.engine.Group(in.Group)
	if err != nil {
		return a.refusal(err)
	}
	if !a.leases.reserve() {
		return &problem{
			status: http.StatusServiceUnavailable, kind: "too_many_leases", retryAfter: time.Second,
			message: "the bound on leases is reached; settle or release some",
		}
	}
	h := heldPool.Get().(*held)
	h.owner = ownerOf(who)
	if err := take(g, d, &h.lease); err != nil {
		a.leases.unreserve()
		done(h)
		a.count.refused(g.Name())
		return a.refusalOf(err, in.Group, &d)
	}
	// Once the lease is stored, another request or the sweep may end it.
	now := a.clock.Now()
	out.Deployment, out.ReservedTokens = h.lease.Ref().ID(), h.lease.Reserved()
	out.Group, out.Model = g.Name(), modelFor(g, in.Group, a.Model(out.Deployment))
	a.count.admitted(out.Group)
	a.leases.keep(h, now)
	out.Lease = string(a.leases.names.append(make([]byte, 0, leaseIDLength), h.number))
	out.ExpiresAt = time.Unix(0, h.expires).UTC().Truncate(time.Millisecond)
	return nil
}

type settleBody struct {
	Lease string     `json:"lease"`
	Usage *usageBody `json:"usage"` // nil: unknown, the reservation stands
}

type releaseBody struct {
	Lease string `json:"lease"`
}

type endAnswer struct {
	Lease      string `json:"lease"`
	Deployment string `json:"deployment,omitempty"`
	// Repeated reports that the lease had ended before, and that the request changed nothing.
	Repeated bool `json:"repeated,omitempty"`
}

// settle is POST /v1/settle.
func (a *API) settle(who *server.Token, in *settleBody, out *endAnswer) *problem {
	if in.Usage == nil {
		return a.end(who, in.Lease, out, (*held).settleReserved)
	}
	u, p := in.Usage.usage()
	if p != nil {
		return p
	}
	return a.end(who, in.Lease, out, func(h *held) { h.lease.Settle(u) })
}

// release is POST /v1/release.
func (a *API) release(who *server.Token, in *releaseBody, out *endAnswer) *problem {
	return a.end(who, in.Lease, out, (*held).release)
}

func (h *held) settleReserved() { h.lease.SettleReserved() }
func (h *held) release()        { h.lease.Release() }

// numberOf returns the number of a lease that this process has given out, held or not.
func (a *API) numberOf(id string) (uint64, *problem) {
	if id == "" {
		return 0, invalid("lease", "is missing; name the lease that acquire answered")
	}
	number, ok := a.leases.names.number(id)
	if !ok || !a.leases.known(number) {
		return 0, unknownLease()
	}
	return number, nil
}

func unknownLease() *problem {
	return &problem{
		status: http.StatusNotFound, kind: "unknown_lease", field: "lease",
		message: "lease: was not given out by this process since it started, or not to this token",
	}
}

// ownerOf returns the owner of a caller's leases: the token's name.
func ownerOf(who *server.Token) string {
	if who == nil {
		return ""
	}
	return who.Name
}

// end ends a lease by how, unless it has ended before.
func (a *API) end(who *server.Token, id string, out *endAnswer, how func(*held)) *problem {
	number, p := a.numberOf(id)
	if p != nil {
		return p
	}
	h, ok := a.leases.take(number, ownerOf(who))
	if !ok {
		return unknownLease()
	}
	out.Lease = id
	if h == nil {
		out.Repeated = true
		return nil
	}
	out.Deployment = h.lease.Ref().ID()
	how(h)
	done(h)
	return nil
}

// Sweep settles expired leases at their reservation.
func (a *API) Sweep() { a.leases.sweep(a.clock.Read()) }

// LeaseStats counts the leases of clients.
type LeaseStats struct {
	Held    int64 // now
	Given   int64 // since the start
	Expired int64 // expired and settled at their reservation, since the start
}

// LeaseStats returns the counts of leases.
func (a *API) LeaseStats() LeaseStats {
	return LeaseStats{Held: a.leases.held.Load(), Given: int64(a.leases.next.Load()), Expired: a.leases.expired.Load()}
}
