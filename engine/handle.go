package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// handle is a deployment, or a caller, for as long as its usage, a lease on it, a place
// in the configuration or a Ref keeps it alive. Its counters never move.
type handle struct {
	// What every lease reads or changes, on one cache line.
	group  atomic.Pointer[owner] // nil: dropped
	hot    *counter.Hot
	limits atomic.Pointer[limits] // nil: none beside the pair
	seat   atomic.Pointer[seat]   // in the current view; nil: no candidate
	e      *common
	noting atomic.Bool // answers or tracked is not nil
	// doubted says that an answer may change the gate: half-open, or refusals counted.
	doubted   atomic.Bool
	tokenMost atomic.Int64 // control's tokenCap
	mean      learn.Mean   // learned output tokens

	caller *callerState // nil: a deployment
	id     string
	// assumed is the output expected while neither the deployment nor the
	// group has learned any.
	assumed atomic.Int64
	// ceiling is the most tokens that a request can ever take in the pair: its TPM
	// limit, counter.Max without one and for a limit of zero.
	ceiling  atomic.Int64
	quantile learn.Quantile
	// answers is what the provider has reported; nil: no one observes signals, and requests
	// are not marked.
	answers  atomic.Pointer[answers]
	sequence atomic.Uint32 // of marks
	half     atomic.Bool   // half-open
	failing  atomic.Uint32 // the failure rate, with order.RatioFraction bits

	flight  counter.Flight
	expired atomic.Int64 // leases
	// countsRefused says that a call the provider refused counts as a request.
	countsRefused atomic.Bool
	requestCap    atomic.Int64  // of the pair, while half-open, without the one request that goes first
	tracked       *counter.Held // nil unless Config.TrackHeld
	lasts         atomic.Int64  // how long leases have lasted, ns, where they are limited; 0 = none has ended
	seed          uint64        // of the ID

	// Under the mutex of the handle's group.
	control
}

// control is what of a deployment requests do not read.
type control struct {
	gate
	// What the configuration says; the same with what the provider has reported; and that
	// after the margin, which is in force. They are never written, and often one.
	configured, provided, cfg *Deployment
	// What Collect reads, on few cache lines.
	announceUntil    int64 // the cooldown that this node reports to the others, Unix ns; 0 = none
	tokenCap, reqCap int64 // limits, counter.Max = unlimited
	enabled          bool
	loose            bool          // its minutes are not UTC's, or a pool's
	gone             bool          // no longer configured
	listed           [2]bool       // by the pair's halves: Collect last reported usage
	plain            [2]pairLedger // of the pair's halves

	round     int64 // of the latest Apply that configured it
	goneSince int64 // the epoch in which it was removed
	// What would be in force if the provider had reported no limits.
	configuredTokenCap, configuredReqCap int64
	turned                               int64       // the epoch that the counters are at
	next                                 *pairLedger // of the minute after the current one; nil: nothing was absorbed ahead
	uncounted                            bool        // the gauge is new, and leases held are still to be counted by it
}

// pairLedger is the ledgers of a pair.
type pairLedger struct{ tokens, requests counter.Ledger }

// begin makes the ledgers those of a window without anything from other nodes.
func (s *pairLedger) begin(w int64) {
	s.tokens = counter.NewLedger(w)
	s.requests = s.tokens
}

// undeployed is the configuration of a deployment that has none yet.
var undeployed Deployment

// newHandle returns a deployment that no group has yet.
func newHandle(e *common, id string) *handle {
	h := &handle{e: e, id: id, seed: order.SeedOf(id), hot: new(counter.Hot), control: control{configured: &undeployed, provided: &undeployed, cfg: &undeployed}}
	if e.trackHeld {
		h.tracked = new(counter.Held)
		h.noting.Store(true)
	}
	return h
}
