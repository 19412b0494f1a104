package provider

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// SoftCap is the rule of a provider that takes every call: the limits are caps
// of the operator's own, and nobody but the policy keeps them.
type SoftCap struct{}

// NewSoftCap returns the rule; it looks at no limit.
func NewSoftCap(Deployment) Rule { return SoftCap{} }

// Admit implements [Rule].
func (SoftCap) Admit(time.Time, trace.Request) (retryAfter time.Duration, ok bool) { return 0, true }

// End implements [Rule].
func (SoftCap) End(time.Time, trace.Request) {}

// Charge implements [Rule].
func (SoftCap) Charge(trace.Request) int64 { return 0 }

// State implements [Rule].
func (SoftCap) State(time.Time) State { return State{} }
