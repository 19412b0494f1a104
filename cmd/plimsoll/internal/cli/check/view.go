package check

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
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
	Group       string        `json:"group"`
	ID          string        `json:"id"`
	Model       string        `json:"model"`
	Provider    string        `json:"provider,omitempty"` // "" = not known
	RPM         *int64        `json:"rpm"`
	TPM         *int64        `json:"tpm"`
	InputTPM    *int64        `json:"input_tpm"`
	OutputTPM   *int64        `json:"output_tpm"`
	RPD         *int64        `json:"rpd"`
	TPD         *int64        `json:"tpd"`
	MaxInFlight *int64        `json:"max_in_flight"`
	Order       int           `json:"order"`
	Weight      float64       `json:"weight,omitempty"` // under the strategy weighted
	Tags        []string      `json:"tags"`
	Profile     profileView   `json:"profile"`
	Endpoint    *endpointView `json:"endpoint,omitempty"` // nil = it cannot be called
	Proxy       []string      `json:"proxy,omitempty"`    // paths that the proxy serves; none = it is for decisions only
	State       string        `json:"state"`
}

type aliasView struct {
	Alias string `json:"alias"`
	Group string `json:"group"` // or another alias
}

type storeView struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace,omitempty"`
	KeyFormat string `json:"key_format,omitempty"`
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
		Group: f.Mask(d.Group), ID: f.Mask(d.ID), Model: f.Mask(d.Model),
		RPM: limitOf(d.Limits.RPM), TPM: limitOf(d.Limits.TPM), MaxInFlight: limitOf(d.Limits.MaxInFlight),
		InputTPM: limitOf(d.Limits.InputTPM), OutputTPM: limitOf(d.Limits.OutputTPM),
		RPD: limitOf(d.Limits.RPD), TPD: limitOf(d.Limits.TPD),
		Order: d.Order, Tags: []string{}, State: "ready",
		Provider: f.Counting[d.ID].Provider, Profile: profileOf(f, d), Endpoint: endpointOf(f, d.ID), Proxy: serves[d.ID],
	}
	for _, t := range d.Tags {
		v.Tags = append(v.Tags, f.Mask(t))
	}
	if f.Engine.Strategy == engine.Weighted {
		if v.Weight = d.Weight; v.Weight == 0 && !d.Disabled {
			v.Weight = 1
		}
	}
	switch l := d.Limits; {
	case d.Disabled:
		v.State = "disabled"
	case slices.Contains([]int64{l.RPM, l.TPM, l.InputTPM, l.OutputTPM, l.RPD, l.TPD, l.MaxInFlight}, engine.Blocked):
		v.State = "blocked"
	}
	return v
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
