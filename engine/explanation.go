package engine

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
	Score   float64 `json:"score"`             // what the strategy ranks by, its failure rate included; lower is better, except for Weighted
	Cost    int64   `json:"cost"`              // tokens TryAcquire would reserve here
	Refused Limit   `json:"refused,omitempty"` // what refuses the demand; LimitNone if it fits
	Skipped string  `json:"skipped,omitempty"` // why it was not considered: excluded, tags (it lacks one), order (a lower one has room)
	// Favourite marks the one of each Order that [Demand.Affinity] prefers.
	Favourite bool `json:"favourite,omitempty"`
}
