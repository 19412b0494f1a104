package engine

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Blocked as a limit means a limit of zero: nothing is admitted. (0 means
// unlimited, because that is what an absent limit means in a file.)
const Blocked int64 = -1

// MaxCount is the largest count of tokens or requests the engine takes: 2^42. A minute
// takes at most twice as many tokens, also without a limit.
// It bounds limits, demands and usage.
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
	// before anything was learned from settled calls; 0 = 256.
	ExpectedOutput int64
	// OutputQuantile is the quantile of its deployment's outputs that a request is
	// expected to produce, once learned: at 0.95 about one call in twenty costs
	// more than it has reserved. 0 = the mean: right on average, so that a limit is
	// well used and overrun by little. A quantile reserves more and overruns less;
	// it suits limits that must not be overrun and outputs that vary a lot. From
	// 0.5 to 0.99. It is learned only while it is asked for.
	OutputQuantile float64
	// LeaseTTL is the age from which a lease that was never ended no longer
	// counts as in flight; 0 = 15 minutes, else from one minute to one day.
	// Ages are known to 1/15 of it, and never better than a minute.
	// Fixed by New: Apply takes 0 or the same value.
	LeaseTTL time.Duration
	// PriorityShare is the share of every limit that demands of each
	// [Demand.Priority] may fill, usage of all classes counted: with {1, 0.8} those
	// of class 1 are refused while 80 % are used, and the rest is left for class 0.
	// Nil = one class. At most [MaxClasses]; the first is 1, none is above the one
	// before, all are above 0. Shares are taken to nine decimals, the share of a
	// limit is rounded down, and what that makes 0 admits nothing. A ceiling that
	// Absorb has set is shared as a limit is; Record, Add and Settle count in full
	// whatever the class.
	PriorityShare []float64
	// MaxWaiters is how many [Group.Wait] may keep waiting in each group at once; 0 = 1024,
	// at most [MaxWaiters]. A demand of a lower class is turned away once as many wait as
	// that class's share of MaxWaiters.
	MaxWaiters int
	// TrackHeld makes the engine count the tokens that leases hold, for [LimitState.Held];
	// it costs each lease two updates. Fixed by New: Apply ignores it.
	TrackHeld bool
	// Clock decides which minute it is; nil = an anchored clock of the
	// engine's own. Share one with the syncer. Fixed by New: Apply takes nil or
	// the same clock.
	Clock *window.Clock
	// Rand is the source of random choices, 64 uniform bits a call; nil = the
	// runtime's. It must be safe for concurrent use. Fixed by New: Apply
	// ignores it.
	Rand func() uint64
	// Wake, unless nil, is called instead of waking a waiter of [Group.Wait] where room
	// may have become free, with a function that wakes one. A simulation in virtual time
	// calls that function when the step under way is complete, so that waiters meet the
	// same state in every run; a gateway leaves Wake nil. Wake is called from all
	// goroutines that use the engine, while these hold its locks: it must not block, nor
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
	// stable, not empty, any text. It is never parsed.
	ID string
	// Group is the name callers ask for: deployments of one group can stand in
	// for each other. Not empty.
	Group string
	// Model is the provider's name of the model, for display and for key
	// compatibility.
	Model string
	// Limits are what the provider or the operator allows.
	Limits Limits
	// Margin is the share of each limit from RPM to TPD that is left unused, from 0
	// (none) up to but not including 1: a margin of 0.01 under a TPM of 10,000 admits
	// 9,900. What is left is rounded down, but never below 1. MaxInFlight has none.
	// Leave Limits at what the provider grants and keep the distance here: figures
	// that the provider reports are then read against its own limit, and correct the
	// counters in both directions. [State] shows the limits after the margin.
	Margin float64
	// DefaultMaxOutput is how many output tokens the provider reserves for a request
	// that names no maximum, from 1 to [MaxCount]; 0 = unknown. Profiles that charge the
	// maximum at admission ([provider.AdmitInputMax], [provider.AdmitLarger],
	// [provider.AdmitMaxAsInput]) charge it for demands without MaxOutputTokens; with 0
	// they charge the expected output. Other profiles ignore it.
	DefaultMaxOutput int64
	// Profile is how the provider counts against them. The zero value is the plain rule: UTC
	// minutes and days, the request and its input and expected output counted at admission,
	// all tokens alike at the end. A profile that refills continuously, or whose minutes
	// have a phase, makes RPM, TPM, InputTPM and OutputTPM follow that rule; a change of
	// rule begins with nothing used. Deployments of one Pool share all limits except
	// MaxInFlight, and must have equal ones, equal margins and equal profiles.
	Profile provider.Profile
	// Failures is how many failures in a row begin a cooldown; 0 = 2 where a call
	// failed, 1 where the provider said that it is overloaded. Rate limits and empty
	// accounts begin one at once. At most [MaxFailures].
	Failures int
	// Cooldown is how long a cooldown lasts whose length the provider did not say; 0 = 1 s,
	// doubled with each further failure in a row, up to 30 s. At most [MaxCooldown].
	Cooldown time.Duration
	// Weight is the deployment's share of the traffic under [Weighted];
	// 0 = 1. Other strategies ignore it.
	Weight float64
	// Disabled takes the deployment out of selection. It is the configuration's
	// switch: [Ref.SetEnabled] overrides it until an Apply that changes it.
	Disabled bool
	// Order is the deployment's tier: a higher one is used only when no lower
	// one has room.
	Order int
	// Tags are what [Demand.Tags] can ask for.
	Tags []string
}

func (d *Deployment) equal(o *Deployment) bool {
	return d.ID == o.ID && d.Group == o.Group && d.Model == o.Model && d.Limits == o.Limits && d.Margin == o.Margin &&
		d.DefaultMaxOutput == o.DefaultMaxOutput && d.Profile == o.Profile && d.Failures == o.Failures && d.Cooldown == o.Cooldown && d.Weight == o.Weight && d.Disabled == o.Disabled && d.Order == o.Order && slices.Equal(d.Tags, o.Tags)
}

func (d *Deployment) weight() float64 {
	if d.Weight == 0 {
		return 1
	}
	return d.Weight
}

// defaultWaiters is how many may wait in a group unless configured.
const defaultWaiters = 1024
