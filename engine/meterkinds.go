package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// meterKinds are all limits there are, in the order in which they are reserved.
// A plain limit is one that a cell knows.
var meterKinds = [...]struct {
	dim   dim
	why   reason
	limit func(*Deployment) int64
	rule  func(*provider.Profile) (r meterRule, plain bool)
	parts bool // of a minute: plain if there are none
}{
	{dimInput, whyInput, func(d *Deployment) int64 { return d.Limits.InputTPM }, minuteRule, false},
	{dimOutput, whyOutput, func(d *Deployment) int64 { return d.Limits.OutputTPM }, minuteRule, false},
	{dimTokens, whyTokens, func(d *Deployment) int64 { return d.Limits.TPM }, cellRule, false},
	{dimTokens, whyDayTokens, func(d *Deployment) int64 { return d.Limits.TPD }, dayRule, false},
	{dimRequests, whyRequests, func(d *Deployment) int64 { return d.Limits.RPM }, cellRule, false},
	{dimRequests, whyRequests, func(d *Deployment) int64 { return shareOf(d.Limits.RPM, d.Profile.RequestWindow) }, partRule, true},
	{dimRequests, whyDayRequests, func(d *Deployment) int64 { return d.Limits.RPD }, dayRule, false},
}

// Places in meterKinds.
const (
	kindInput = iota
	kindOutput
	kindTokens
	kindDayTokens
	kindRequests
	_
	kindDayRequests
)

// reportedAs returns the limit of which providers report what a meter counts.
func (m *meter) reportedAs() provider.Limit {
	daily := m.daily || m.byDay
	switch {
	case m.dim == dimInput:
		return provider.InputTokens
	case m.dim == dimOutput:
		return provider.OutputTokens
	case m.dim == dimTokens && daily:
		return provider.DayTokens
	case m.dim == dimTokens:
		return provider.Tokens
	case daily:
		return provider.DayRequests
	}
	return provider.Requests
}

// minuteRule is the rule for a minute's limit.
func minuteRule(p *provider.Profile) (r meterRule, plain bool) {
	switch {
	case p.Shape == provider.Bucket:
		r.bucket = true
	case p.Phase != 0:
		r.length, r.phase = window.Minute, int64(p.Phase)
	}
	return r, false
}

// cellRule is minuteRule for limits that a cell knows if they are of UTC minutes.
func cellRule(p *provider.Profile) (r meterRule, plain bool) {
	r, _ = minuteRule(p)
	return r, !r.timed()
}

func dayRule(p *provider.Profile) (r meterRule, plain bool) {
	if r.daily = true; p.Day == provider.DayPacific {
		r.zone = window.Pacific
	}
	return r, false
}

// partRule is the rule for requests in parts of a minute.
func partRule(p *provider.Profile) (r meterRule, plain bool) {
	return meterRule{length: int64(p.RequestWindow), phase: int64(p.Phase)}, p.RequestWindow == 0 || int64(p.RequestWindow) == window.Minute
}

// shareOf returns the part of a limit per minute that a shorter window gets,
// rounded down, but at least one.
func shareOf(limit int64, length time.Duration) int64 {
	if limit <= 0 {
		return limit
	}
	return max(limit/window.Minute*int64(length)+limit%window.Minute*int64(length)/window.Minute, 1)
}
