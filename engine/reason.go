package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

// reason is why a demand is refused. Reasons are in order: the higher one is nearer to an
// admission, and a refusal by several candidates or limits names the highest.
type reason uint8

const (
	whyNothing reason = iota // no candidate
	whyDisabled
	whyCooling
	whyDays                              // plus a limit: one per day
	whyHours = whyDays + provider.Limits // plus a limit: one per hour
)

const (
	whyRequests = whyHours + provider.Limits + iota
	whyInFlight
	whyInput
	whyOutput
	whyTokens
	whyShare
	whyInvalid // the demand itself
)

// reasonOf returns the reason of a limit.
func reasonOf(l Limit) reason {
	switch l.Per() {
	case provider.PerDay:
		return whyDays + reason(l)
	case provider.PerHour:
		return whyHours + reason(l)
	default:
		return briefReasons[l.Counts()]
	}
}

// briefReasons are the reasons of the limits on each quantity per minute and in flight.
var briefReasons = [...]reason{
	provider.Requests: whyRequests, provider.Calls: whyInFlight,
	provider.InputTokens: whyInput, provider.OutputTokens: whyOutput, provider.Tokens: whyTokens,
}

// reasonLimit is the Limit of each reason; LimitNone for an invalid demand and for a group
// without candidates.
var reasonLimit = func() (names [whyInvalid + 1]Limit) {
	names[whyDisabled], names[whyCooling], names[whyShare] = LimitDisabled, LimitCooldown, LimitShare
	for l := range provider.AllLimits() {
		names[reasonOf(l)] = l
	}
	return names
}()

// bounded returns why, or whyShare if a ceiling and not the limit itself refuses.
func bounded(why reason, ceiled bool) reason {
	if ceiled {
		return whyShare
	}
	return why
}
