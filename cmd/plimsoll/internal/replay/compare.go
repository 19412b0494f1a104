package replay

import (
	"context"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
)

// Comparison is the results of one trace under every policy. plimsoll replay
// --compare --json prints its JSON.
type Comparison struct {
	Policies []PolicyReport `json:"policies"` // in the order of [PolicyNames], or of [NodePolicyNames]

	Rule        string  `json:"rule,omitempty"`        // how providers judged, where a replay names it
	Clairvoyant *Report `json:"clairvoyant,omitempty"` // the best one's, then
}

// PolicyReport is one policy's part of a [Comparison]: the report of its run
// against providers that enforce their limits, and the result of a second run,
// in which the limits are only the operator's caps.
type PolicyReport struct {
	*Report
	SoftCap SoftCapReport `json:"soft_cap"`
}

// SoftCapReport is the result of a run in which providers accept every call, so
// that only the policy keeps the limits.
type SoftCapReport struct {
	Served        int64 `json:"served"`         // calls
	Refused       int64 `json:"refused"`        // calls
	TokensServed  int64 `json:"tokens_served"`  // input and output tokens
	OverrunTokens int64 `json:"overrun_tokens"` // see [Report]
}

// Compare replays one trace under every policy (that nodes can share, if there
// are some), engine as [EngineName] and o.Policy and o.Rule as it sees fit. Each
// policy runs twice; where o.Kind names the rule, clairvoyants run too. o.Progress
// counts the requests of all runs: [CompareRuns] times those of the trace.
func Compare(ctx context.Context, o Options, engine NewPolicy) (*Comparison, error) {
	c := &Comparison{}
	progress, done := o.Progress, 0
	if progress != nil {
		o.Progress = func(n int) { progress(done + n) }
	}
	if o.Kind != nil {
		c.Rule = o.Kind.Name
		var err error
		var runs int
		if c.Clairvoyant, runs, err = bestOf(ctx, o); err != nil {
			return nil, err
		}
		done += runs
	}
	for _, name := range comparedPolicies(o.Nodes) {
		var err error
		if o.Policy, err = PolicyNamed(name, engine); err != nil {
			return nil, err
		}
		o.PolicyName = name
		reports, err := runBoth(ctx, o)
		if err != nil {
			return nil, err
		}
		done += runsPerPolicy * len(o.Trace)
		if c.Clairvoyant != nil {
			reports[0].against(c.Clairvoyant.Clairvoyant)
		}
		soft := reports[1]
		c.Policies = append(c.Policies, PolicyReport{reports[0], SoftCapReport{
			Served:        soft.Served,
			Refused:       soft.RefusedLocal,
			TokensServed:  soft.TokensServed,
			OverrunTokens: soft.OverrunTokens,
		}})
	}
	return c, nil
}

// comparedPolicies returns the names of the policies that are compared.
func comparedPolicies(nodes *Nodes) []string {
	if nodes != nil {
		return NodePolicyNames()
	}
	return PolicyNames()
}

// runsPerPolicy is how often [Compare] runs each policy.
const runsPerPolicy = 2

// CompareRuns returns how many runs [Compare] makes.
func CompareRuns(nodes *Nodes, kind *provider.Kind) int {
	runs := runsPerPolicy * len(comparedPolicies(nodes))
	if kind != nil && kind.Enforces {
		runs += ClairvoyantRuns
	}
	return runs
}

// NodeRuns returns how many runs [RunNodes] makes.
func NodeRuns() int { return runsPerPolicy }
