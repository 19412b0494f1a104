package engine

import "time"

// State is one deployment as this node sees it. Usage is the cluster's as known
// here, reservations included, and the pool's where the limit is a pool's. Fields
// are read one after the other and may be a few events apart.
type State struct {
	ID                string `json:"id"`
	Group             string `json:"group"`
	Model             string `json:"model,omitempty"`
	Requests          int64  `json:"requests"`             // this minute, or the level of a bucket
	RequestLimit      int64  `json:"request_limit"`        // in force: 0 = unlimited, -1 = zero
	Tokens            int64  `json:"tokens"`               // this minute, or the level of a bucket
	TokenLimit        int64  `json:"token_limit"`          // 0 = unlimited, -1 = zero
	InputTokens       int64  `json:"input_tokens"`         // this minute, if there is or was a limit on them
	InputTokenLimit   int64  `json:"input_token_limit"`    // 0 = unlimited, -1 = zero
	OutputTokens      int64  `json:"output_tokens"`        // this minute, if there is or was a limit on them
	OutputTokenLimit  int64  `json:"output_token_limit"`   // 0 = unlimited, -1 = zero
	DayRequests       int64  `json:"day_requests"`         // today, if there is or was a limit on them
	DayRequestLimit   int64  `json:"day_request_limit"`    // 0 = unlimited, -1 = zero
	DayTokens         int64  `json:"day_tokens"`           // today, if there is or was a limit on them
	DayTokenLimit     int64  `json:"day_token_limit"`      // 0 = unlimited, -1 = zero
	HeldTokens        Held   `json:"held_tokens,omitzero"` // part of Tokens: reserved by leases not yet ended; Untracked unless Config.TrackHeld
	OthersRequests    int64  `json:"others_requests"`      // part of Requests: other nodes
	OthersTokens      int64  `json:"others_tokens"`        // part of Tokens: other nodes
	OthersInput       int64  `json:"others_input_tokens"`  // part of InputTokens: other nodes, in this UTC minute
	OthersOutput      int64  `json:"others_output_tokens"` // part of OutputTokens: other nodes, in this UTC minute
	OthersDayRequests int64  `json:"others_day_requests"`  // part of DayRequests: other nodes, and what Restore brought
	OthersDayTokens   int64  `json:"others_day_tokens"`    // part of DayTokens: other nodes, and what Restore brought
	// How much of it this node alone may use, where nodes that share usage bound it: see
	// [window.Share]. 0 = as far as the limit, -1 = nothing.
	RequestShare     int64         `json:"request_share,omitzero"`
	TokenShare       int64         `json:"token_share,omitzero"`
	InputTokenShare  int64         `json:"input_token_share,omitzero"`
	OutputTokenShare int64         `json:"output_token_share,omitzero"`
	DayRequestShare  int64         `json:"day_request_share,omitzero"`
	DayTokenShare    int64         `json:"day_token_share,omitzero"`
	InFlight         int64         `json:"in_flight"`       // leases held on this node, younger than LeaseTTL
	InFlightLimit    int64         `json:"in_flight_limit"` // 0 = unlimited, -1 = zero
	ExpectedOutput   int64         `json:"expected_output"` // tokens reserved for an output that a demand leaves open
	Utilization      float64       `json:"utilization"`     // largest of used/limit over the limits that are set
	CoolingFor       time.Duration `json:"cooling_for_ns"`  // 0 = not cooling down
	HalfOpen         bool          `json:"half_open"`       // a cooldown is over, and the one request that goes first is not answered yet
	Enabled          bool          `json:"enabled"`
}

// Held is a count of tokens that leases hold, or [Untracked], which JSON leaves out.
type Held int64

// Untracked as [Held] means that the engine does not count it.
const Untracked Held = -1

// IsZero reports whether nothing is known, for encoding/json's omitzero.
func (h Held) IsZero() bool { return h == Untracked }

// Stats are an engine's lifetime counts, on this node. All only grow, but for
// Held, Waiting, and Tokens when a lease ends below its reservation.
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
	Dropped    int64           // reports of ended windows nobody collected in time
	Invalid    int64           // demands refused and usages clamped as out of range
	Waiting    int64           // requests that wait now
	Waited     int64           // requests admitted after a wait
	GaveUp     int64           // requests whose context ended while they waited
	TurnedAway int64           // requests that found too many waiting
	Contended  int64           // refusals given up on while other attempts were half way
}

// Explanation says what Pick and TryAcquire would do with a demand, and why.
type Explanation struct {
	Group      string      `json:"group"`
	Demand     Demand      `json:"-"`
	Candidates []Candidate `json:"candidates"`
	// Pick and Acquire are the deployments Pick and TryAcquire would choose
	// among at random; empty when they would refuse.
	Pick    []string `json:"pick"`
	Acquire []string `json:"acquire"`
	// Err is what Acquire would return; nil when it would admit.
	Err error `json:"-"`
}

// Candidate is one deployment of an [Explanation].
type Candidate struct {
	State
	Order   int     `json:"order"`
	Score   float64 `json:"score"`             // what the strategy ranks by, its failure rate included; lower is better, but for Weighted
	Cost    int64   `json:"cost"`              // tokens TryAcquire would reserve here
	Refused Limit   `json:"refused,omitempty"` // what refuses the demand; LimitNone if it fits
	Skipped string  `json:"skipped,omitempty"` // why it was not considered: excluded, tags (it lacks one), order (a lower one has room)
	// Favourite marks the one of each Order that [Demand.Affinity] prefers.
	Favourite bool `json:"favourite,omitempty"`
}
