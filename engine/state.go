package engine

import (
	"encoding/json"
	"time"
)

// State is one deployment as this node sees it. Fields are read one after the other and
// may be a few events apart.
type State struct {
	ID             string        `json:"id"`
	Group          string        `json:"group"`
	Model          string        `json:"model,omitempty"`
	Limits         []LimitState  `json:"limits"`          // those that are counted, in the order of [provider.AllLimits]
	ExpectedOutput int64         `json:"expected_output"` // tokens reserved for an output that a demand leaves open
	Utilization    float64       `json:"utilization"`     // largest of used/max over the limits that are set
	CoolingFor     time.Duration `json:"cooling_for_ns"`  // 0 = not cooling down
	HalfOpen       bool          `json:"half_open"`       // a cooldown is over, and the one request that goes first is not answered yet
	Enabled        bool          `json:"enabled"`
}

// Limit returns the state of a kind of limit: unused and unlimited if it is not counted.
func (s State) Limit(kind Limit) LimitState {
	for i := range s.Limits {
		if s.Limits[i].Limit == kind {
			return s.Limits[i]
		}
	}
	return LimitState{Limit: kind, Held: Untracked}
}

// LimitState is what is used of one limit of a deployment. RPM, TPM and calls in flight
// are always counted, other kinds once they were limited.
type LimitState struct {
	Limit Limit `json:"limit"`
	// Used is the cluster's usage as known here, reservations included, and the
	// pool's where the limit is a pool's: of this minute or day, or the level of a
	// bucket. Calls in flight are this node's leases that are younger than LeaseTTL.
	Used int64 `json:"used"`
	// Max is the limit in force, after [Deployment.Margin]: 0 = unlimited, -1 = zero.
	Max int64 `json:"max"`
	// Remote is the part of Used that other nodes used. Of input and output it is of the
	// UTC minute, whatever the profile; of a day it includes what Restore brought.
	Remote int64 `json:"remote"`
	// Held is the part of Used that leases not yet ended have reserved. It is counted
	// for TPM only, and only with [Config.TrackHeld].
	Held Held `json:"held,omitzero"`
	// Share is how much of the limit this node alone may use, where nodes that share
	// usage bound it: see [window.Share]. 0 = as far as the limit, -1 = nothing.
	Share int64 `json:"share,omitzero"`
}

// UnmarshalJSON implements [json.Unmarshaler]: without held, Held is [Untracked].
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

// Untracked as [Held] means that the engine does not count it.
const Untracked Held = -1

// IsZero reports whether nothing is known, for encoding/json's omitzero.
func (h Held) IsZero() bool { return h == Untracked }

// Stats are an engine's lifetime counts, on this node. All only grow, except Held, Waiting,
// and Tokens when a lease ends below its reservation.
type Stats struct {
	Admitted   int64           // requests counted by Acquire, TryAcquire and PreCheck
	Refused    map[Limit]int64 // refusals by what stood in the way
	Tokens     int64           // used on this node as its profiles count, reservations of leases not yet ended included
	Held       int64           // leases held now, younger than LeaseTTL
	Settled    int64           // leases ended by Settle or SettleReserved
	Released   int64           // leases ended by Release
	Expired    int64           // leases older than LeaseTTL when last looked at
	Overrun    int64           // of the tokens charged at the end of calls, those above a limit at that instant; it only grows
	Late       int64           // leases ended after their minute and the next had passed
	Dropped    int64           // reports of ended windows that were not collected in time
	Invalid    int64           // demands refused and usages clamped as out of range
	Waiting    int64           // requests that wait now
	Waited     int64           // requests admitted after a wait
	GaveUp     int64           // requests whose context ended while they waited
	TurnedAway int64           // requests that found too many waiting
	Contended  int64           // refusals given up on while other attempts were half way
}
