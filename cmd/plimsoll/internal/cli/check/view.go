package check

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// checkView is a configuration as it may be shown: without secrets. It is what
// plimsoll check --json prints.
type checkView struct {
	File           string           `json:"file"`
	Valid          bool             `json:"valid"`
	Errors         []config.Finding `json:"errors,omitempty"`
	ErrorsOmitted  int              `json:"errors_omitted,omitempty"`
	Format         config.Format    `json:"format,omitempty"`
	Strategy       string           `json:"strategy,omitempty"`
	ExpectedOutput int64            `json:"expected_output,omitempty"`
	OutputQuantile float64          `json:"output_quantile,omitempty"`
	PriorityShare  []float64        `json:"priority_share,omitempty"`
	MaxWaiters     int              `json:"max_waiters,omitempty"`
	LeaseTTL       string           `json:"lease_ttl,omitempty"`
	Groups         int              `json:"groups,omitempty"`
	Deployments    []deploymentView `json:"deployments,omitempty"`
	Aliases        []aliasView      `json:"aliases,omitempty"`
	Routing        *routingView     `json:"routing,omitempty"`
	Store          *storeView       `json:"store,omitempty"`
	Warnings       []config.Finding `json:"warnings"`
	Undone         []config.Finding `json:"undone,omitempty"` // what LiteLLM does with the file and serve does not
	Notes          []config.Finding `json:"notes,omitempty"`
}

// deploymentView is a deployment; a limit of null is unlimited, 0 lets nothing
// through.
type deploymentView struct {
	deploymentName
	limits [provider.Limits]*int64 // by kind; JSON has them between the two parts
	deploymentRest
}

// deploymentName is the part of a deployment's view before its limits.
type deploymentName struct {
	Group    string `json:"group"`
	ID       string `json:"id"`
	Model    string `json:"model"`
	Provider string `json:"provider,omitempty"` // "" = not known
}

// deploymentRest is the part of a deployment\'s view behind its limits.
type deploymentRest struct {
	Order    int           `json:"order"`
	Weight   float64       `json:"weight,omitempty"` // under the strategy weighted
	Tags     []string      `json:"tags"`
	Profile  profileView   `json:"profile"`
	Endpoint *endpointView `json:"endpoint,omitempty"` // nil = it cannot be called
	Proxy    []string      `json:"proxy,omitempty"`    // paths that the proxy serves; none = it is for decisions only
	State    string        `json:"state"`
}

type aliasView struct {
	Alias string `json:"alias"`
	Group string `json:"group"` // or another alias
}

type storeView struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace,omitempty"`
	KeyFormat string `json:"key_format,omitempty"`
	Nodes     int    `json:"nodes,omitempty"`
	Outage    string `json:"outage,omitempty"`
	Buckets   int    `json:"buckets,omitempty"`
	TTL       string `json:"ttl,omitempty"`
	Interval  string `json:"interval,omitempty"`
	Timeout   string `json:"timeout,omitempty"`
}

// brokenFile is the view of a file that cannot be used.
func brokenFile(name string, e *config.Error) checkView {
	return checkView{File: name, Errors: e.Findings, ErrorsOmitted: e.Omitted, Warnings: list(e.Warnings)}
}

// checkedFile is the view of a file that can be used. Deployments stand group by
// group, groups and their deployments in the order of the file.
func checkedFile(name string, f *config.File) checkView {
	cfg := f.Engine
	v := checkView{
		File: name, Valid: true, Format: f.Format, Strategy: cfg.Strategy.String(),
		ExpectedOutput: cfg.ExpectedOutput, OutputQuantile: cfg.OutputQuantile, PriorityShare: cfg.PriorityShare, MaxWaiters: cfg.MaxWaiters,
		Aliases: aliasViews(f), Routing: routingOf(f), Store: storeOf(f), Warnings: list(f.Warnings), Undone: f.Undone, Notes: f.Notes,
	}
	if cfg.LeaseTTL > 0 {
		v.LeaseTTL = cfg.LeaseTTL.String()
	}
	serves := proxy.Serves(f)
	places := map[string]int{}
	var groups [][]deploymentView
	for _, d := range cfg.Deployments {
		i, ok := places[d.Group]
		if !ok {
			i = len(groups)
			places[d.Group] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], viewOf(f, d, serves))
	}
	for _, g := range groups {
		v.Deployments = append(v.Deployments, g...)
	}
	v.Groups = len(groups)
	return v
}

func viewOf(f *config.File, d engine.Deployment, serves map[string][]string) deploymentView {
	v := deploymentView{
		deploymentName: deploymentName{f.Mask(d.Group), f.Mask(d.ID), f.Mask(d.Model), f.Counting[d.ID].Provider},
		deploymentRest: deploymentRest{
			Order: d.Order, Tags: []string{}, State: "ready",
			Profile: profileOf(f, d), Endpoint: endpointOf(f, d.ID), Proxy: serves[d.ID],
		},
	}
	blocked := false
	for l := range provider.AllLimits() {
		v.limits[l] = limitOf(*d.Limits.Of(l))
		blocked = blocked || *d.Limits.Of(l) == engine.Blocked
	}
	for _, t := range d.Tags {
		v.Tags = append(v.Tags, f.Mask(t))
	}
	if f.Engine.Strategy.UsesWeights() {
		if v.Weight = d.Weight; v.Weight == 0 && !d.Disabled {
			v.Weight = 1
		}
	}
	switch {
	case d.Disabled:
		v.State = "disabled"
	case blocked:
		v.State = "blocked"
	}
	return v
}

// MarshalJSON implements [json.Marshaler]: the limits are keys among the others.
func (v deploymentView) MarshalJSON() ([]byte, error) {
	name, err := json.Marshal(v.deploymentName)
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(v.deploymentRest)
	if err != nil {
		return nil, err
	}
	b := name[:len(name)-1]
	for l := range provider.AllLimits() {
		n := "null"
		if v.limits[l] != nil {
			n = strconv.FormatInt(*v.limits[l], 10)
		}
		b = fmt.Appendf(b, `,%q:%s`, l.Key(), n)
	}
	return append(append(b, ','), rest[1:]...), nil
}

func limitOf(n int64) *int64 {
	if n == 0 {
		return nil
	}
	n = max(n, 0)
	return &n
}

func list(warnings []config.Finding) []config.Finding {
	if warnings == nil {
		return []config.Finding{}
	}
	return warnings
}
