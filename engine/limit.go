package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Limits are the limits of a deployment or a caller, over UTC minutes, hours and days unless
// [Deployment.Profile] has another rule. 0 = unlimited, [Blocked] = a limit of zero;
// otherwise from 1 to [MaxCount]. A limit that Apply removes, or sets to Blocked, and puts back
// within its window keeps its usage. That of a bucket refills meanwhile, at the rate of the limit
// before; requests are not counted in a bucket without a limit.
type Limits struct {
	RPM         int64 // requests per minute
	TPM         int64 // tokens per minute
	InputTPM    int64 // input tokens per minute
	OutputTPM   int64 // output tokens per minute
	RPH         int64 // requests per hour
	TPH         int64 // tokens per hour
	RPD         int64 // requests per day
	TPD         int64 // tokens per day
	MaxInFlight int64 // leases held at once, on this node
}

// Of returns a pointer to the field of a kind of limit, and nil for a reason that is no limit,
// such as [LimitCooldown].
func (l *Limits) Of(kind Limit) *int64 {
	if kind >= provider.Limits {
		return nil
	}
	return [provider.Limits]*int64{
		LimitRPM: &l.RPM, LimitTPM: &l.TPM, LimitInputTPM: &l.InputTPM, LimitOutputTPM: &l.OutputTPM,
		LimitRPH: &l.RPH, LimitTPH: &l.TPH,
		LimitRPD: &l.RPD, LimitTPD: &l.TPD,
		LimitInFlight: &l.MaxInFlight,
	}[kind]
}

// Limit is a kind of limit, or another reason to refuse a demand: [provider.Limit] with
// the engine's own reasons behind it.
type Limit = provider.Limit

// The kinds of limits, as reasons of a refusal.
const (
	LimitNone      = provider.NoLimit   // nothing refused
	LimitRPM       = provider.RPM       // requests per minute
	LimitTPM       = provider.TPM       // tokens per minute
	LimitInputTPM  = provider.InputTPM  // input tokens per minute
	LimitOutputTPM = provider.OutputTPM // output tokens per minute
	LimitRPH       = provider.RPH       // requests per hour
	LimitTPH       = provider.TPH       // tokens per hour
	LimitRPD       = provider.RPD       // requests per day
	LimitTPD       = provider.TPD       // tokens per day
	LimitInFlight  = provider.InFlight  // leases held at once
)

// The engine's own reasons. Package provider has their names, for [Limit.String].
const (
	LimitCooldown Limit = provider.Limits + iota // the deployment is cooling down
	LimitDisabled                                // the deployment is switched off
	LimitShare                                   // this node's share of a limit is used up, see [window.Share]

	limitValues = int(LimitShare) + 1
)

// per returns the limit on a quantity over a span; 0 without one.
func (l *Limits) per(q provider.Quantity, s provider.Span) int64 {
	if n := l.Of(provider.LimitOf(q, s)); n != nil {
		return *n
	}
	return 0
}

// beyondMinutes reports whether a limit counts over a span longer than a minute. AtOnce is the
// last of the spans.
func beyondMinutes(k Limit) bool { return k.Per() > provider.PerMinute && k.Per() < provider.AtOnce }

// equalBeyondMinutes reports whether the limits over spans longer than a minute are
// equal.
func (l *Limits) equalBeyondMinutes(o *Limits) bool {
	for k := range provider.AllLimits() {
		if beyondMinutes(k) && *l.Of(k) != *o.Of(k) {
			return false
		}
	}
	return true
}

// capOf returns the cap of a configured limit: 0 is no cap ([counter.Max]), Blocked is a cap
// of 0.
func capOf(limit int64) int64 {
	switch limit {
	case 0:
		return counter.Max
	case Blocked:
		return 0
	}
	return limit
}

// limitOf is the inverse of capOf.
func limitOf(most int64) int64 {
	switch most {
	case counter.Max:
		return 0
	case 0:
		return Blocked
	}
	return most
}
