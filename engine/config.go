package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Blocked as a limit means a limit of zero: nothing is admitted. (0 means
// unlimited, because that is what an absent limit means in a file.)
const Blocked int64 = -1

// MaxCount is the largest count of tokens or requests in a limit, a demand or a usage: 2^42.
// One minute of one deployment admits at most twice as many tokens, also without a limit.
const MaxCount int64 = 1 << 42

// Bounds of a [Config].
const (
	MaxDeployments = 10_000    // of an engine
	MaxCallers     = 10_000    // of an engine
	MaxClasses     = 16        // priority classes
	MaxWaiters     = 1_000_000 // of a group
)

// Config is the whole configuration of an engine. Zero values are the documented defaults.
// [Config.Validate] reports what is wrong with it.
type Config struct {
	// Deployments are the places requests can go to: at least one, at most
	// [MaxDeployments], with unique IDs.
	Deployments []Deployment
	// Callers have limits of their own beside the deployments': at most [MaxCallers],
	// with unique IDs.
	Callers []Caller
	// Aliases are other names of groups: alias to group, to a name that fits a group
	// with an asterisk in its name, or to another alias.
	Aliases map[string]string
	// Strategy ranks the deployments of a group; 0 = LeastUtilized.
	Strategy Strategy
	// ExpectedOutput is how many output tokens a request is assumed to produce
	// before settled calls have taught their mean; 0 = 256.
	ExpectedOutput int64
	// OutputQuantile is the quantile of its deployment's outputs that a request is
	// expected to produce, once learned. At 0.95 about one call in twenty costs
	// more than it has reserved. 0 = the mean, which is right on average, so that a limit
	// is well used and overrun by little. A quantile reserves more and overruns less. It
	// suits limits that must not be overrun and outputs that vary a lot. From
	// 0.5 to 0.99. The quantile is learned only while it is configured.
	OutputQuantile float64
	// LeaseTTL is the age from which a lease that was never ended no longer
	// counts as in flight; 0 = 15 minutes, else from one minute to one day.
	// The resolution of ages is LeaseTTL/15, at least a minute.
	// Fixed by New: Apply accepts 0 or the same value.
	LeaseTTL time.Duration
	// PriorityShare is the share of every limit that demands of each
	// [Demand.Priority] may fill; the usage of all classes counts. With {1, 0.8} demands
	// of class 1 are refused once 80 % are used, and the rest is left for class 0.
	// Nil = one class. At most [MaxClasses] shares: the first is 1, none is above the one
	// before, all are above 0. Shares have nine decimals. The share of a limit is rounded
	// down; if that makes 0, the class is admitted nothing. A ceiling that
	// Absorb has set is not shared: it bounds all classes alike. Record, Add and Settle
	// count in full whatever the class.
	PriorityShare []float64
	// MaxWaiters is how many calls of [Group.Wait] may wait in each group at once; 0 = 1024,
	// at most [MaxWaiters]. A demand of a lower class is refused with [ErrQueueFull] once
	// that class's share of MaxWaiters wait.
	MaxWaiters int
	// TrackHeld makes the engine count the tokens that leases hold, for [LimitState.Held].
	// It costs each lease two updates. Fixed by New: Apply ignores it.
	TrackHeld bool
	// Clock decides which minute it is; nil = a clock of [window.NewClock] of the
	// engine's own. A syncer must use the same clock. Fixed by New: Apply accepts nil or
	// the same clock.
	Clock *window.Clock
	// Rand is the source of random choices, 64 uniform bits a call; nil = math/rand/v2.
	// It must be safe for concurrent use. Fixed by New: Apply ignores it.
	Rand func() uint64
	// Wake is for simulations in virtual time; a gateway leaves it nil. Unless nil, the engine
	// calls it instead of waking a waiter of [Group.Wait] when capacity may have become free,
	// with a function that wakes one. The simulation calls that function when the step under
	// way is complete, so that waiters meet the same state in every run. Wake is called from
	// all goroutines that use the engine, while they hold its locks: it must not block, nor
	// call the engine or the function. Fixed by New: Apply ignores it.
	Wake func(wake func())
}

// Bounds of a [Deployment]'s own rule for cooldowns.
const (
	MaxFailures = 1_000_000
	MaxCooldown = 24 * time.Hour
)

// Deployment is one place that can serve a model, with its own limits.
type Deployment struct {
	// ID is the key under which nodes share this deployment's usage: unique,
	// stable, not empty, any text. The engine never parses it.
	ID string
	// Group is the name by which callers choose among deployments that can stand in
	// for each other. Not empty.
	Group string
	// Model is the provider's name of the model. The engine only shows it.
	Model string
	// Limits are the limits that the provider or the operator sets.
	Limits Limits
	// Margin is the share of each limit from RPM to TPD that is left unused, from 0
	// (none) up to but not including 1. A margin of 0.01 under a TPM of 10,000 admits
	// 9,900. The limit after the margin is rounded down, but never below 1. MaxInFlight has
	// no margin. Set Limits to what the provider grants and keep a distance by Margin:
	// figures that the provider reports are then read against its own limit, and correct the
	// counters in both directions. [State] shows the limits after the margin.
	Margin float64
	// DefaultMaxOutput is how many output tokens the provider reserves for a request
	// that names no maximum, from 1 to [MaxCount]; 0 = unknown. Profiles that charge the
	// maximum at admission ([provider.AdmitInputMax], [provider.AdmitLarger],
	// [provider.AdmitMaxAsInput]) charge it for demands without MaxOutputTokens; with 0
	// they charge the expected output. Other profiles ignore it.
	DefaultMaxOutput int64
	// Profile is how the provider counts against the limits. The zero value is the plain rule:
	// UTC minutes and days, the request and its input and expected output counted at admission,
	// all tokens alike at the end. A profile that refills continuously, or whose minutes
	// have a phase, makes RPM, TPM, InputTPM and OutputTPM follow that rule. A change of
	// rule begins with nothing used. Deployments of one Pool share all limits except
	// MaxInFlight, and must have equal limits, margins and profiles.
	Profile provider.Profile
	// Failures is how many failures in a row begin a cooldown; 0 = 2 if calls failed,
	// 1 if the provider reported that it is overloaded. Rate limits and empty
	// accounts begin a cooldown at once. At most [MaxFailures].
	Failures int
	// Cooldown is the length of a cooldown for which the provider reported none; 0 = 1 s,
	// doubled with each further failure in a row, up to 30 s. At most [MaxCooldown].
	Cooldown time.Duration
	// Weight is the deployment's share of the traffic under [Weighted], relative to the
	// weights of the others; 0 = 1, else finite and above 0. Other strategies ignore it.
	Weight float64
	// Disabled takes the deployment out of selection. It is the configuration's
	// switch: [Ref.SetEnabled] overrides it until an Apply that changes it.
	Disabled bool
	// Order is the deployment's tier, any number: it is used only when no candidate of a
	// lower Order has headroom.
	Order int
	// Tags are the labels that [Demand.Tags] may require.
	Tags []string
}

func (d *Deployment) equal(o *Deployment) bool {
	return d.ID == o.ID && d.Group == o.Group && d.Model == o.Model && d.Limits == o.Limits && d.Margin == o.Margin &&
		d.DefaultMaxOutput == o.DefaultMaxOutput && d.Profile == o.Profile && d.Failures == o.Failures && d.Cooldown == o.Cooldown &&
		d.Weight == o.Weight && d.Disabled == o.Disabled && d.Order == o.Order && slices.Equal(d.Tags, o.Tags)
}

func (d *Deployment) weight() float64 { return cmp.Or(d.Weight, 1) }

// defaultWaiters is [Config.MaxWaiters] if that is 0.
const defaultWaiters = 1024
