package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// kindRow is one kind of limit as the engine counts it.
type kindRow struct {
	kind Limit
	part bool // RPM over parts of a minute
	dim  counter.Dim
	rule func(*provider.Profile) counter.Rule
}

// kinds are all kinds of limits in the order in which an admission charges them: by the
// quantity that they count, the shortest span first. All attempts use the same order, or two
// could undo each other for ever (protocol 4). While their windows are minutes of UTC, TPM and
// RPM are counted by the plain pair, which every deployment has: its tokens are charged before
// all other limits, its request after them.
var kinds = func() (rows []kindRow) {
	for _, q := range reserved {
		for l := range provider.AllLimits() {
			if l.Counts() != q {
				continue
			}
			rows = append(rows, kindRow{kind: l, dim: dims[q], rule: rules[l.Per()]})
			if l == LimitRPM {
				rows = append(rows, kindRow{kind: l, part: true, dim: dims[q], rule: partRule})
			}
		}
	}
	return rows
}()

// reserved are the quantities in the order in which an admission charges them.
var reserved = [...]provider.Quantity{
	provider.Calls, provider.InputTokens, provider.OutputTokens, provider.Tokens, provider.Requests,
}

// dims are the dimensions that limits on each quantity count.
var dims = [...]counter.Dim{
	provider.Calls:        counter.Leases,
	provider.InputTokens:  counter.Input,
	provider.OutputTokens: counter.Output,
	provider.Tokens:       counter.Tokens,
	provider.Requests:     counter.Requests,
}

// rules return the counting rule of the limits over each span, by the deployment's profile.
var rules = [...]func(*provider.Profile) counter.Rule{
	provider.AtOnce: gaugeRule, provider.PerMinute: minuteRule, provider.PerHour: hourRule, provider.PerDay: dayRule,
}

// limit returns the limit that a deployment is configured with: 0 = unlimited. A part of a
// minute, which it divides ([provider.Profile]), has its part of RPM, rounded down, but at least one.
func (k *kindRow) limit(d *Deployment) int64 {
	limit, length := *d.Limits.Of(k.kind), int64(d.Profile.RequestWindow)
	if k.part && limit > 0 && length > 0 {
		return max(limit/(window.Minute/length), 1)
	}
	return limit
}

// applies reports whether a deployment counts the limit beside its pair, by the rule own.
func (k *kindRow) applies(p *provider.Profile, own counter.Rule, pooled bool) bool {
	if k.part {
		return p.RequestWindow != 0 && p.RequestWindow != time.Minute
	}
	return k.kind != LimitRPM && k.kind != LimitTPM || own != counter.Rule{} || pooled
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

// hourRule is the rule for an hour's limit: hours of UTC, whatever the profile.
func hourRule(*provider.Profile) counter.Rule { return counter.Rule{Shape: counter.Hours} }

func dayRule(p *provider.Profile) counter.Rule {
	r := counter.Rule{Shape: counter.Days}
	if p.Day == provider.DayPacific {
		r.Zone = window.Pacific
	}
	return r
}

// partRule is the rule for requests in parts of a minute.
func partRule(p *provider.Profile) counter.Rule {
	return counter.Rule{Shape: counter.Spans, Length: int64(p.RequestWindow), Phase: int64(p.Phase)}
}

const hour = 60 * window.Minute

// pooledRule returns the rule by which a pool counts a limit. Its windows follow the clock
// and not a group's turn, because the minutes of several groups do not turn at once.
func pooledRule(r counter.Rule) counter.Rule {
	switch r.Shape {
	case counter.Days:
		r.Shape = counter.Dates
	case counter.Hours:
		r = counter.Rule{Shape: counter.Spans, Length: hour}
	case counter.Minutes:
		r = counter.Rule{Shape: counter.Spans, Length: window.Minute}
	default: // the others follow the clock already
	}
	return r
}
