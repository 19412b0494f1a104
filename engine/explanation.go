package engine

// Explanation is what Pick and TryAcquire would do with a demand, and why.
type Explanation struct {
	Group      string      `json:"group"`
	Demand     Demand      `json:"-"`
	Candidates []Candidate `json:"candidates"`
	// Pick and Acquire are the IDs of the deployments among which Pick and TryAcquire would
	// choose at random; empty if they would refuse.
	Pick    []string `json:"pick"`
	Acquire []string `json:"acquire"`
	// Err is the error that Acquire would return; nil if it would admit.
	Err error `json:"-"`
}

// Candidate is one deployment of an [Explanation].
type Candidate struct {
	State
	Order int `json:"order"`
	// Score is the figure by which the strategy ranks, with the failure rate. The lowest is
	// chosen, except by Weighted, where it is the weight.
	Score   float64 `json:"score"`
	Cost    int64   `json:"cost"`              // the tokens that TryAcquire would reserve here
	Refused Limit   `json:"refused,omitempty"` // the limit that refuses the demand; LimitNone if it fits
	// Skipped is why the deployment is not considered: "excluded", "tags" (it lacks one) or
	// "order" (a deployment of a lower Order would be chosen); "" if it is considered.
	Skipped string `json:"skipped,omitempty"`
	// Preferred is set for the deployment of each Order that [Demand.Affinity] prefers.
	Preferred bool `json:"favourite,omitempty"`
}
