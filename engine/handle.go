package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// handle is the record of one deployment or one caller. It lives until it is no longer
// configured, has no lease and no Ref, and its last window has ended. Its counters never
// move.
type handle struct {
	// The fields that every lease reads or changes, on one cache line.
	group  atomic.Pointer[owner] // nil: dropped
	hot    *counter.Hot
	limits atomic.Pointer[limits] // nil: none beside the pair
	seat   atomic.Pointer[seat]   // in the current view; nil: no candidate
	e      *common
	noting atomic.Bool // answers or tracked is not nil
	// doubted is set if an answer may change the gate: the deployment is half-open, or
	// refusals were counted.
	doubted   atomic.Bool
	tokenMost atomic.Int64 // control.tokenCap, for readers without the mutex
	mean      learn.Mean   // learned output tokens

	caller *callerState // nil: a deployment
	id     string
	// assumed is the expected output, in tokens, while neither the deployment nor the
	// group has learned any.
	assumed  atomic.Int64
	quantile learn.Quantile
	// answers is what the provider has reported. Nil: Observe was never called, and requests
	// are not marked.
	answers atomic.Pointer[answers]
	// countsRefused is set if the provider counts calls that it refused as requests.
	countsRefused atomic.Bool
	halfOpen      atomic.Bool   // the breaker is half-open
	sequence      atomic.Uint32 // of marks
	failing       atomic.Uint32 // the failure rate, with order.RatioFraction bits

	flight     counter.Flight
	expired    atomic.Int64  // leases
	requestCap atomic.Int64  // while half-open: the cap on the pair's requests without the probe's
	tracked    *counter.Held // nil unless Config.TrackHeld
	lasts      atomic.Int64  // how long leases last, ns, if they are limited; 0 = none has ended
	seed       uint64        // of the ID

	// Under the mutex of the handle's group.
	control
}

// control is the part of a handle that requests do not read.
type control struct {
	// Three configurations, which are never written and often the same: configured is that of
	// Apply, provided the same with what the provider has reported, and cfg, which is in
	// force, is provided after the margin.
	configured, provided, cfg *Deployment
	gate
	removedSince int64       // the epoch in which the deployment was removed
	next         *pairLedger // of the minute after turned; nil: nothing was absorbed ahead
	// The fields that Apply and Collect read, on few cache lines.
	announceUntil    int64 // the cooldown that this node reports to the others, Unix ns; 0 = none
	tokenCap, reqCap int64 // limits, counter.Max = unlimited
	// The caps that would be in force if the provider had reported no limits.
	configuredTokenCap, configuredReqCap int64
	turned                               int64 // the epoch to which the counters have turned
	round                                int64 // of the latest Apply that configured the deployment
	enabled                              bool
	loose                                bool          // its minutes are not UTC's, or a pool's
	removed                              bool          // no longer configured
	listed                               [2]bool       // by the pair's halves: Collect last reported usage
	uncounted                            bool          // the gauge is new, and does not count the leases held yet
	plain                                [2]pairLedger // of the pair's halves
}

// pairLedger is the two ledgers of a half of a pair.
type pairLedger struct{ tokens, requests counter.Ledger }

// begin makes the ledgers those of a window for which nothing was received from other nodes.
func (s *pairLedger) begin(w int64) {
	s.tokens = counter.NewLedger(w)
	s.requests = s.tokens
}

// undeployed is the configuration of a handle that has none yet.
var undeployed Deployment

// newHandle returns the handle of a deployment that no group has yet.
func newHandle(e *common, id string) *handle {
	h := &handle{e: e, id: id, seed: order.SeedOf(id), hot: new(counter.Hot)}
	h.configured, h.provided, h.cfg = &undeployed, &undeployed, &undeployed
	if e.trackHeld {
		h.tracked = new(counter.Held)
		h.noting.Store(true)
	}
	return h
}
