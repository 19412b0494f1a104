package replay

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// FewestCalls is how many calls a group is sent at least; groupLength is how long
// its traffic lasts if it has calls enough.
const (
	FewestCalls = 200
	groupLength = time.Hour
)

// FitGroup returns the beginning of a trace, warped so that its tokens are load
// times what the deployments' limits allow: at most so many calls, and no more
// than an hour needs. The trace itself is not changed. Deployments without TPM
// count by [provider.Deployment.Capacity].
func FitGroup(t trace.Trace, pool []provider.Deployment, load float64, most int) (trace.Trace, error) {
	if !ValidLoad(load) {
		return nil, fmt.Errorf("load is %v; want a number from %v to %v", load, MinLoad, MaxLoad)
	}
	tokens := t.Tokens()
	if tokens == 0 {
		return nil, errors.New("the trace has no tokens, so it cannot be scaled to a load")
	}
	mean := float64(tokens) / float64(len(t))
	capacity := 0.0
	for _, d := range pool {
		capacity += d.Capacity(mean)
	}
	if capacity == 0 {
		return nil, ErrNothingAllowed
	}
	calls := load * capacity * groupLength.Minutes() / mean
	n := int(min(max(calls, FewestCalls), float64(most), float64(len(t))))
	fitted := append(trace.Trace(nil), t[:n]...)
	minutes := float64(fitted.Tokens()) / (load * capacity)
	if minutes > MaxDuration.Minutes() {
		return nil, fmt.Errorf("at load %v the trace would last %.0f days; want at most %.0f", load, minutes/60/24, MaxDuration.Hours()/24)
	}
	fitted.Warp(time.Duration(minutes * float64(time.Minute)))
	return fitted, nil
}

// ErrNothingAllowed is the error of a group whose deployments are all blocked.
var ErrNothingAllowed = errors.New("every deployment is blocked: a limit of 0 lets nothing through")

// Sum returns the sum of the reports of several groups.
func Sum(reports []*Report) *Report {
	sum := *reports[0]
	sum.Deployments, sum.Cluster, sum.Clairvoyant = nil, nil, nil
	sum.Offered, sum.Served, sum.RefusedLocal, sum.RefusedProvider, sum.Provider429 = 0, 0, 0, 0, 0
	sum.TokensServed, sum.TokensOffered, sum.QuotaTokens, sum.OverrunTokens, sum.WallMS = 0, 0, 0, 0, 0
	weighted := 0.0
	for _, r := range reports {
		sum.Offered += r.Offered
		sum.Served += r.Served
		sum.RefusedLocal += r.RefusedLocal
		sum.RefusedProvider += r.RefusedProvider
		sum.Provider429 += r.Provider429
		sum.TokensServed += r.TokensServed
		sum.TokensOffered += r.TokensOffered
		sum.QuotaTokens += r.QuotaTokens
		sum.OverrunTokens += r.OverrunTokens
		sum.WallMS += r.WallMS
		sum.Minutes = max(sum.Minutes, r.Minutes)
		weighted += r.Fairness * float64(r.TokensServed)
	}
	sum.Fairness = 1
	if sum.TokensServed > 0 {
		sum.Fairness = weighted / float64(sum.TokensServed)
	}
	if sum.WallMS > 0 {
		sum.DecisionsPerS = 1000 * sum.Offered / sum.WallMS
	}
	return &sum
}

// SumComparisons returns the sums of several groups' reports under each policy.
func SumComparisons(all []*Comparison) *Comparison {
	sum := &Comparison{Rule: all[0].Rule}
	for i := range all[0].Policies {
		var reports []*Report
		var soft SoftCapReport
		for _, c := range all {
			p := c.Policies[i]
			reports = append(reports, p.Report)
			soft.Served += p.SoftCap.Served
			soft.Refused += p.SoftCap.Refused
			soft.TokensServed += p.SoftCap.TokensServed
			soft.OverrunTokens += p.SoftCap.OverrunTokens
		}
		sum.Policies = append(sum.Policies, PolicyReport{Sum(reports), soft})
	}
	return sum
}
