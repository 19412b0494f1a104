package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// common is what all deployments and groups of an engine use: its clock, its random numbers,
// the settings of Apply and the engine's counts. It knows no deployment and no group.
type common struct {
	clock *window.Clock
	rand  func() uint64
	wake  func(func()) // of Config

	maxWaiters atomic.Int64          // in a group
	parts      atomic.Pointer[parts] // of the priority classes
	validity   validity
	classes    atomic.Int64  // len(parts); read instead of parts where loading the Pointer would make its holder escape
	quantile   atomic.Uint64 // of the output to expect, the bits of a float64; 0 = the mean
	assumed    atomic.Int64  // Config.ExpectedOutput, tokens

	ttl      time.Duration // of leases
	slotSpan int64         // minutes per slot of a flight
	slotTTL  int64         // how many slots a lease counts for

	trackHeld bool
	// countLeases is set if leases are counted on deployments without a limit on them too.
	// Written under Engine.mu and the mutexes of all groups, read under one of these.
	countLeases bool

	// The fields of Stats with these names.
	invalid, contended, dropped, late, released atomic.Int64

	waited, gaveUp, turnedAway atomic.Int64

	overrun                                  atomic.Int64 // see Stats
	unattributedTokens, unattributedRequests atomic.Int64 // changes to windows that had been folded
	returned                                 atomic.Int64 // requests given back by Release

	exact atomic.Bool   // the syncer has called Short: nodes hold limits exactly, by grants
	short chan struct{} // of Short; its buffer is one
	// grantWithin is how long a demand may wait for a grant, ns; 0 = no node grants.
	grantWithin atomic.Int64

	droppedLeases  leaseTotals // of dropped deployments
	pendingReports pendingReports
}

const (
	defaultOutput = 256              // of Config.ExpectedOutput, tokens
	defaultTTL    = 15 * time.Minute // of Config.LeaseTTL
	leaseSlots    = 15               // in which leases are counted at most, by the minute they began
)

// init sets the fields that New fixes.
func (e *common) init(cfg *Config) {
	e.clock, e.rand, e.wake, e.ttl, e.trackHeld = cfg.Clock, cfg.Rand, cfg.Wake, cfg.LeaseTTL, cfg.TrackHeld
	e.short = make(chan struct{}, 1)
	if e.clock == nil {
		e.clock = window.NewClock()
	}
	if e.ttl == 0 {
		e.ttl = defaultTTL
	}
	e.slotSpan = ceilDiv(int64(e.ttl), leaseSlots*window.Minute)
	e.slotTTL = ceilDiv(int64(e.ttl), e.slotSpan*window.Minute)
	e.parts.Store(new(parts))
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// slot returns the flight slot of an epoch.
func (e *common) slot(epoch int64) int64 {
	if e.slotSpan == 1 { // the default; the division costs more than all else here
		return epoch
	}
	return epoch / e.slotSpan
}

func (e *common) random() uint64 {
	if e.rand != nil {
		return e.rand()
	}
	return rand.Uint64()
}

// uniform returns a number in [0, 1).
func (e *common) uniform() float64 { return float64(e.random()>>11) / (1 << 53) }

// parts are what the classes of [Config.PriorityShare] may use of every cap, by
// class.
type parts []counter.Part

func partsOf(shares []float64) parts {
	p := make(parts, len(shares))
	for i, s := range shares {
		p[i] = counter.PartOf(s)
	}
	return p
}

// part returns what demands of a class may use, and false if there is no such class.
func (e *common) part(class int) (counter.Part, bool) {
	if p := *e.parts.Load(); class != 0 && uint(class) < uint(len(p)) {
		return p[class], true
	}
	return 0, class == 0
}

// shared reports whether there are several priority classes. Headroom for all attempts
// half way together does not mean then that each is admitted, as classes have different parts.
func (e *common) shared() bool { return e.classes.Load() > 1 }

// overran counts tokens of a charge above the limits. If a charge is above several, the
// caller passes the most, since it is the same tokens.
func (e *common) overran(tokens int64) {
	if tokens > 0 {
		e.overrun.Add(tokens)
	}
}

// validity is the time until which absorbed shares are valid.
type validity struct {
	until atomic.Int64  // Unix ns; 0 = no syncer has set it
	part  atomic.Uint32 // of the rest of a limit, which a stale window may use
	stale atomic.Bool   // some group has found that until has passed
}

// valid reports whether shares absorbed at an instant are valid then.
func (e *common) valid(now int64) bool {
	until := e.validity.until.Load()
	return until == 0 || now < until
}

// leaseTotals are lifetime counts of leases.
type leaseTotals struct{ ended, expired atomic.Int64 }

// clamped returns a usage with its counts in range. Its caller has found that they are not.
func (e *common) clamped(u Usage) Usage {
	in, ok1 := clamp(u.InputTokens)
	out, ok2 := clamp(u.OutputTokens)
	cached, ok3 := clamp(u.CachedInputTokens)
	written, ok4 := clamp(u.CacheWriteTokens)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		e.invalid.Add(1)
	}
	return Usage{in, out, cached, written}
}
