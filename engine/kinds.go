package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// limitKind is a kind of limit: a row of kinds.
type limitKind uint8

const (
	kindInFlight limitKind = iota
	kindInput
	kindOutput
	kindTokens
	kindDayTokens
	kindRequests
	kindPartRequests
	kindDayRequests
)

// kinds are all kinds of limits, in the order in which they are reserved. TPM and RPM
// are the plain pair, which every deployment has, while their windows are minutes of
// UTC: the pair's tokens are reserved before all others and its request after them.
var kinds = [...]struct {
	dim   counter.Dim
	why   reason
	limit func(*Deployment) int64
	rule  func(*provider.Profile) counter.Rule
	plain bool // of the pair while the rule is plain
}{
	kindInFlight:     {counter.Leases, whyInFlight, func(d *Deployment) int64 { return d.Limits.MaxInFlight }, gaugeRule, false},
	kindInput:        {counter.Input, whyInput, func(d *Deployment) int64 { return d.Limits.InputTPM }, minuteRule, false},
	kindOutput:       {counter.Output, whyOutput, func(d *Deployment) int64 { return d.Limits.OutputTPM }, minuteRule, false},
	kindTokens:       {counter.Tokens, whyTokens, func(d *Deployment) int64 { return d.Limits.TPM }, minuteRule, true},
	kindDayTokens:    {counter.Tokens, whyDayTokens, func(d *Deployment) int64 { return d.Limits.TPD }, dayRule, false},
	kindRequests:     {counter.Requests, whyRequests, func(d *Deployment) int64 { return d.Limits.RPM }, minuteRule, true},
	kindPartRequests: {counter.Requests, whyRequests, partOfMinute, partRule, false},
	kindDayRequests:  {counter.Requests, whyDayRequests, func(d *Deployment) int64 { return d.Limits.RPD }, dayRule, false},
}

// plain reports whether a deployment's TPM and RPM are the pair's.
func plain(p *provider.Profile) bool { return minuteRule(p) == counter.Rule{} && p.Pool == "" }

// gaugeRule is the rule for leases held at once.
func gaugeRule(*provider.Profile) counter.Rule { return counter.Rule{Shape: counter.Gauge} }

// minuteRule is the rule for a minute's limit; the zero rule is the minute of UTC.
func minuteRule(p *provider.Profile) counter.Rule {
	switch {
	case p.Shape == provider.Bucket:
		return counter.Rule{Shape: counter.Level}
	case p.Phase != 0:
		return counter.Rule{Shape: counter.Spans, Length: window.Minute, Phase: int64(p.Phase)}
	}
	return counter.Rule{}
}

func dayRule(p *provider.Profile) counter.Rule {
	r := counter.Rule{Shape: counter.Days}
	if p.Day == provider.DayPacific {
		r.Zone = window.Pacific
	}
	return r
}

// parted reports whether RPM holds over parts of a minute too.
func parted(p *provider.Profile) bool {
	return p.RequestWindow != 0 && p.RequestWindow != time.Minute
}

// partRule is the rule for requests in parts of a minute.
func partRule(p *provider.Profile) counter.Rule {
	return counter.Rule{Shape: counter.Spans, Length: int64(p.RequestWindow), Phase: int64(p.Phase)}
}

// partOfMinute returns the part of RPM that a shorter window gets, rounded down, but
// at least one.
func partOfMinute(d *Deployment) int64 {
	limit, length := d.Limits.RPM, d.Profile.RequestWindow
	if limit <= 0 {
		return limit
	}
	return max(limit/window.Minute*int64(length)+limit%window.Minute*int64(length)/window.Minute, 1)
}

// pooledRule returns the rule by which a pool counts a limit: with the clock, because
// the minutes of several groups do not turn at once.
func pooledRule(r counter.Rule) counter.Rule {
	switch r.Shape {
	case counter.Days:
		r.Shape = counter.Dates
	case counter.Minutes:
		r = counter.Rule{Shape: counter.Spans, Length: window.Minute}
	default: // these follow the clock
	}
	return r
}
