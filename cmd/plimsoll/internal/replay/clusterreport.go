package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
)

// ClusterReport is how exactly several nodes kept the limits that they share.
type ClusterReport struct {
	Nodes      int   `json:"nodes"`
	IntervalMS int64 `json:"interval_ms"` // between a node's exchanges
	// RefusedWithRoom counts attempts that were refused while the request and 2
	// % of the limits more were free on some deployment.
	RefusedWithRoom int64         `json:"refused_with_room"`
	Offered         int64         `json:"offered"` // calls
	Limits          []LimitReport `json:"limits"`
}

// LimitReport is one limit's part of a [ClusterReport]. Shares are of the limit
// and by the UTC minute, of what stood in all nodes' accounts together right
// after an admission.
type LimitReport struct {
	Deployment string  `json:"deployment"`
	Kind       string  `json:"kind"` // rpm or tpm
	Limit      int64   `json:"limit"`
	OverMean   float64 `json:"over_mean"` // above the limit, over all minutes
	OverMax    float64 `json:"over_max"`
	// Bound is the bound on OverMax for nodes that share all their usage: (nodes - 1)
	// times the most that one node used from the beginning of an exchange to the end
	// of the next, plus one request per node.
	Bound float64 `json:"bound"`
	// FullMinutes are those in which the calls asked for more than the limits of
	// this kind of all deployments together; Admitted is what was in use then.
	FullMinutes int64   `json:"full_minutes"`
	Admitted    float64 `json:"admitted"`
}

// report closes the accounts.
func (c *cluster) report(deployments []deployment) *ClusterReport {
	a := c.audit
	a.closeMinute()
	r := &ClusterReport{
		Nodes: c.size.Count, IntervalMS: int64(c.size.Interval / time.Millisecond),
		RefusedWithRoom: a.withRoom, Offered: a.offered, Limits: []LimitReport{},
	}
	for i, d := range a.deployments {
		for _, k := range []struct {
			name    string
			account *account
		}{{"rpm", d.requests}, {"tpm", d.tokens}} {
			if k.account.limit > 0 {
				r.Limits = append(r.Limits, k.account.report(deployments[i].name(), k.name))
			}
		}
	}
	return r
}

func (a *account) report(deployment, kind string) LimitReport {
	return LimitReport{
		Deployment: deployment, Kind: kind, Limit: a.limit,
		OverMean: share(a.overSum, a.minutes*a.limit), OverMax: share(a.overMost, a.limit),
		Bound:       share(a.bound(), a.limit),
		FullMinutes: a.full, Admitted: share(a.fullSum, a.full*a.limit),
	}
}

// RunNodes replays a trace that o.Nodes share, twice: against providers that
// enforce their limits, by the rule of o.Kind if there is one, and, for the figures of the cluster, against ones that
// take every call, so that only the nodes keep to the limits.
func RunNodes(ctx context.Context, o Options) (*Report, error) {
	reports, err := runBoth(ctx, o)
	if err != nil {
		return nil, err
	}
	return reports[0], nil
}

// runBoth makes the two runs of a policy: providers enforce their limits in the
// first and take every call in the second. The figures of the cluster are those of
// the second; they are in the report of the first.
func runBoth(ctx context.Context, o Options) (reports [runsPerPolicy]*Report, err error) {
	progress := o.Progress
	for i, rule := range [runsPerPolicy]provider.NewRule{nil, provider.NewSoftCap} {
		if o.Rule = rule; i > 0 {
			o.Kind = nil
		}
		if progress != nil {
			o.Progress = func(n int) { progress(i*len(o.Trace) + n) }
		}
		if reports[i], err = Run(ctx, o); err != nil {
			return reports, fmt.Errorf("policy %s: %w", o.PolicyName, err)
		}
	}
	reports[0].Cluster = reports[1].Cluster
	return reports, nil
}
