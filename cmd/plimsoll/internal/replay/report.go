package replay

import "time"

// Report is what came of a replay. Its JSON is what plimsoll replay --json
// prints. Offered = Served + RefusedLocal + RefusedProvider.
type Report struct {
	Offered         int64 `json:"offered"`          // calls of the trace
	Served          int64 `json:"served"`           // calls that a provider answered
	RefusedLocal    int64 `json:"refused_local"`    // calls that found no room and reached no provider
	RefusedProvider int64 `json:"refused_provider"` // calls that providers refused, and that no retry saved
	Provider429     int64 `json:"provider_429"`     // attempts that providers refused

	TokensServed  int64 `json:"tokens_served"`  // input and output tokens of the calls served
	TokensOffered int64 `json:"tokens_offered"` // of all calls
	// QuotaTokens is the sum of the pool's TPM times the UTC minutes in which
	// the trace has arrivals or lies between them.
	QuotaTokens int64 `json:"quota_tokens"`

	WallMS        int64              `json:"wall_ms"`         // real time the replay took
	DecisionsPerS int64              `json:"decisions_per_s"` // attempts the policy decided on, per second of real time
	Deployments   []DeploymentReport `json:"deployments"`

	Minutes int64 `json:"-"` // what QuotaTokens was counted over
}

// DeploymentReport is one deployment's part of a [Report]. Peaks are the
// highest of any UTC minute, by what the policy admitted, whether or not the
// provider then refused it.
type DeploymentReport struct {
	ID       string `json:"id"`
	RPMLimit int64  `json:"rpm_limit"` // requests per minute
	TPMLimit int64  `json:"tpm_limit"` // tokens per minute
	Served   int64  `json:"served"`    // calls
	Tokens   int64  `json:"tokens"`    // input and output tokens of those calls

	PeakRPM int64 `json:"peak_rpm"` // requests admitted
	// PeakReservedTPM is the largest usage of one minute right after an
	// admission, that admission included: reservations, and the true cost of
	// calls that have ended.
	PeakReservedTPM int64 `json:"peak_reserved_tpm"`
	// PeakEndedTPM is input tokens admitted plus output tokens of calls that
	// ended in the minute. It may pass the limit: nobody can take back an
	// answer.
	PeakEndedTPM int64 `json:"peak_ended_tpm"`
}

// minutes returns how many minutes a trace of that duration begins, if it
// begins with a minute.
func minutes(d time.Duration) int64 { return int64(d/time.Minute) + 1 }
