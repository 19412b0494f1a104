package engine

import (
	"encoding/json"
	"time"
)

// State is the state of one deployment on this node. Its fields are read one after the other
// while requests go on, and may be of slightly different instants.
type State struct {
	ID             string        `json:"id"`
	Group          string        `json:"group"`
	Model          string        `json:"model,omitempty"`
	Limits         []LimitState  `json:"limits"`          // those that are counted, in the order of [provider.AllLimits]
	ExpectedOutput int64         `json:"expected_output"` // output tokens reserved for a demand that names none
	Utilization    float64       `json:"utilization"`     // the largest of used/max over the limits that are set
	CoolingFor     time.Duration `json:"cooling_for_ns"`  // until the cooldown ends; 0 = not cooling down
	HalfOpen       bool          `json:"half_open"`       // a cooldown has ended, and only one request is admitted until it is answered
	Enabled        bool          `json:"enabled"`
}

// Limit returns the state of a kind of limit. If that is not counted, Used and Max are 0.
func (s State) Limit(kind Limit) LimitState {
	for i := range s.Limits {
		if s.Limits[i].Limit == kind {
			return s.Limits[i]
		}
	}
	return LimitState{Limit: kind, Held: Untracked}
}

// LimitState is the usage of one limit of a deployment. RPM, TPM and calls in flight
// are always counted, other kinds once they have been limited. Counts are in requests, tokens or
// leases, as the limit is.
type LimitState struct {
	Limit Limit `json:"limit"`
	// Used is the usage of all nodes as known here, reservations included, in the current
	// window, or the level of a bucket. If the limit is a pool's, it is the usage of the
	// pool. Calls in flight are the leases of this node that are younger than LeaseTTL.
	Used int64 `json:"used"`
	// Max is the limit in force, after [Deployment.Margin]: 0 = unlimited, -1 = zero.
	Max int64 `json:"max"`
	// Remote is the part of Used that other nodes used. For input and output it is that of the
	// UTC minute, whatever the profile; for hours and days it includes the usage of Restore.
	Remote int64 `json:"remote"`
	// Held is the part of Used that leases not yet ended have reserved. It is counted
	// for TPM only, and only with [Config.TrackHeld].
	Held Held `json:"held,omitzero"`
	// Share is how much of the limit this node alone may use, if a ceiling bounds it:
	// see [window.Share]. 0 = no ceiling, -1 = nothing.
	Share int64 `json:"share,omitzero"`
}

// UnmarshalJSON implements [json.Unmarshaler]. If the key held is absent, Held is [Untracked].
func (l *LimitState) UnmarshalJSON(b []byte) error {
	type plain LimitState
	p := plain{Held: Untracked}
	err := json.Unmarshal(b, &p)
	*l = LimitState(p)
	return err
}

// Utilization returns Used/Max: 0 without a limit, at least 1 under a limit of zero.
func (l LimitState) Utilization() float64 {
	switch l.Max {
	case 0:
		return 0
	case Blocked:
		return max(1, float64(l.Used))
	}
	return float64(l.Used) / float64(l.Max)
}

// Held is a count of tokens that leases hold, or [Untracked], which JSON leaves out.
type Held int64

// Untracked as [Held] means that the engine does not count held tokens.
const Untracked Held = -1

// IsZero reports whether h is [Untracked], for encoding/json's omitzero.
func (h Held) IsZero() bool { return h == Untracked }

// Stats are an engine's lifetime counts, on this node. All only grow, except Held, Waiting,
// and Tokens when a lease ends below its reservation.
type Stats struct {
	Admitted   int64           // requests counted by Acquire, TryAcquire, Wait and PreCheck
	Refused    map[Limit]int64 // refusals by the limit that refused
	Tokens     int64           // tokens charged on this node, reservations of leases not yet ended included
	Held       int64           // leases held now, younger than LeaseTTL
	Settled    int64           // leases ended by Settle or SettleReserved
	Released   int64           // leases ended by Release
	Expired    int64           // leases that became older than LeaseTTL before they ended
	Overrun    int64           // tokens charged after admission that were above a limit at that instant
	EndedLate  int64           // leases that ended after the minute that followed theirs
	Dropped    int64           // reports of ended windows that no Collect took in time
	Invalid    int64           // demands refused and usages clamped because a count was out of range
	Waiting    int64           // requests that wait now
	Waited     int64           // requests admitted after a wait
	GaveUp     int64           // requests whose context ended while they waited
	TurnedAway int64           // requests refused with ErrQueueFull
	Contended  int64           // refusals that were not confirmed, because other attempts were half way at every try
}
