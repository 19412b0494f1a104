package replay

import "time"

// Report is the result of a replay. Its JSON is what plimsoll replay --json
// prints. Offered = Served + RefusedLocal + RefusedProvider.
type Report struct {
	Policy          string `json:"policy"`
	Offered         int64  `json:"offered"`          // calls of the trace
	Served          int64  `json:"served"`           // calls that a provider answered
	RefusedLocal    int64  `json:"refused_local"`    // calls that found no room and reached no provider
	RefusedProvider int64  `json:"refused_provider"` // calls that providers refused, and that no retry saved
	Provider429     int64  `json:"provider_429"`     // attempts that providers refused

	TokensServed  int64 `json:"tokens_served"`  // input and output tokens of the calls served
	TokensOffered int64 `json:"tokens_offered"` // of all calls
	// QuotaTokens is the sum of [provider.Deployment.Capacity] times the UTC minutes in which
	// the trace has arrivals or lies between them.
	QuotaTokens int64 `json:"quota_tokens"`

	// OverrunTokens are those above the deployments' TPM in a UTC minute: input
	// tokens of the calls that providers took in it, output tokens of the calls
	// that ended in it.
	OverrunTokens int64 `json:"overrun_tokens"`
	// Fairness is Jain's index of Tokens / TPMLimit over the deployments with a
	// TPM limit: 1 if all are used alike, 1/n if only one of n is.
	Fairness float64 `json:"fairness"`

	WallMS        int64              `json:"wall_ms"`         // real time the replay took
	DecisionsPerS int64              `json:"decisions_per_s"` // attempts the policy decided on, per second of real time
	Deployments   []DeploymentReport `json:"deployments"`

	Cluster *ClusterReport `json:"cluster,omitempty"` // of several nodes

	// Rule is how providers judged, if the replay names a rule. Clairvoyant is then the best
	// possible result.
	Rule        string             `json:"rule,omitempty"`
	Clairvoyant *ClairvoyantReport `json:"clairvoyant,omitempty"`

	Minutes int64 `json:"-"` // what QuotaTokens was counted over
}

// DeploymentReport is one deployment's part of a [Report]. Peaks are the
// highest of any UTC minute, by what the policy admitted, whether or not the
// provider then refused it.
type DeploymentReport struct {
	ID       string `json:"id"`
	RPMLimit int64  `json:"rpm_limit"` // requests per minute; 0 = none, -1 = nothing is allowed
	TPMLimit int64  `json:"tpm_limit"` // tokens per minute; likewise
	Served   int64  `json:"served"`    // calls
	Tokens   int64  `json:"tokens"`    // input and output tokens of those calls

	PeakRPM int64 `json:"peak_rpm"` // requests admitted
	// PeakReservedTPM is the largest usage of one minute right after an
	// admission, that admission included: reservations, and the true cost of
	// calls that have ended. A policy that reserves nothing counts with its
	// prompts, which calls cost at least.
	PeakReservedTPM int64 `json:"peak_reserved_tpm"`
	// PeakEndedTPM is input tokens admitted plus output tokens of calls that
	// ended in the minute. It may pass the limit, because an answer that has
	// begun cannot be refused.
	PeakEndedTPM int64 `json:"peak_ended_tpm"`
}

// minutes returns how many minutes a trace of that duration begins, if it
// begins with a minute.
func minutes(d time.Duration) int64 { return int64(d/time.Minute) + 1 }

// fairness returns Jain's index; it is 1 where nothing was used.
func fairness(deployments []DeploymentReport) float64 {
	var n, sum, squares float64
	for _, d := range deployments {
		if d.TPMLimit <= 0 {
			continue
		}
		x := float64(d.Tokens) / float64(d.TPMLimit)
		n++
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (n * squares)
}
