package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// profileView is how a deployment's provider counts. Fields that are the plain
// rule's are left out of the JSON.
type profileView struct {
	Preset         string       `json:"preset"`
	Changed        bool         `json:"changed,omitempty"` // the file changes fields of it
	Shape          string       `json:"shape"`
	Phase          string       `json:"phase,omitempty"`
	LearnPhase     bool         `json:"learn_phase,omitempty"`
	LearnShape     bool         `json:"learn_shape,omitempty"`
	RequestWindow  string       `json:"request_window,omitempty"`
	Admit          string       `json:"admit"`
	EstimateStands bool         `json:"estimate_stands,omitempty"`
	Weights        *weightsView `json:"weights,omitempty"` // nil = each token counts as one
	CountsRefused  bool         `json:"counts_refused,omitempty"`
	Day            string       `json:"day"`
	Pool           string       `json:"pool,omitempty"`
}

type weightsView struct {
	Input       float64 `json:"input"`
	CachedInput float64 `json:"cached_input"`
	CacheWrite  float64 `json:"cache_write"`
	Output      float64 `json:"output"`
}

func profileOf(f *config.File, d engine.Deployment) profileView {
	p, how := d.Profile, f.Counting[d.ID]
	v := profileView{
		Preset: how.Preset, Changed: how.Changed, Shape: p.Shape.String(), Phase: timeText(p.Phase), LearnPhase: p.LearnPhase, LearnShape: p.LearnShape,
		RequestWindow: timeText(p.RequestWindow), Admit: p.Admit.String(), EstimateStands: p.EstimateStands,
		CountsRefused: p.CountsRefused, Day: p.Day.String(), Pool: f.Mask(p.Pool),
	}
	if p.Weights != (provider.Weights{}) {
		v.Weights = &weightsView{p.Weights.Input, p.Weights.CachedInput, p.Weights.CacheWrite, p.Weights.Output}
	}
	return v
}

// name is the profile's cell.
func (v profileView) name() string {
	return config.Counting{Preset: v.Preset, Changed: v.Changed}.String()
}

// text says how the profile counts; "" for the plain rule.
func (v profileView) text() string {
	parts := []string{v.Shape}
	add := func(ok bool, format string, args ...any) {
		if ok {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(v.Phase != "", "phase %s", v.Phase)
	add(v.LearnPhase, "phase to be learned")
	add(v.LearnShape, "or minutes, if answers show them")
	add(v.RequestWindow != "" && v.RequestWindow != time.Minute.String(), "requests by %s too", v.RequestWindow)
	add(v.Admit != provider.AdmitExpected.String(), "admit %s", v.Admit)
	add(v.EstimateStands, "the estimate stands")
	if w := v.Weights; w != nil && *w != (weightsView{1, 1, 1, 1}) {
		add(true, "weights %s", w.text())
	}
	add(v.CountsRefused, "refused calls count")
	add(v.Day != provider.DayUTC.String(), "days end at midnight %s", v.Day)
	add(v.Pool != "", "pool %s", cell(v.Pool))
	if len(parts) == 1 && v.Shape == provider.Minute.String() {
		return ""
	}
	return strings.Join(parts, ", ")
}

func (w *weightsView) text() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	return "input " + number(w.Input) + ", cached " + number(w.CachedInput) + ", cache write " + number(w.CacheWrite) + ", output " + number(w.Output)
}

// maxProfiles is how many profiles are described.
const maxProfiles = 20

// profiles describes each profile once, except for the plain rule and plain buckets.
func (v checkView) profiles() [][]string {
	var rows [][]string
	seen := map[[2]string]bool{}
	more := 0
	for _, d := range v.Deployments {
		row := [2]string{d.Profile.name(), d.Profile.text()}
		if seen[row] || row[1] == "" || row[0] == row[1] {
			continue
		}
		seen[row] = true
		if len(rows) == maxProfiles {
			more++
			continue
		}
		rows = append(rows, []string{"profile", row[0] + ": " + row[1]})
	}
	if more > 0 {
		rows = append(rows, []string{"profile", fmt.Sprintf("and %d more", more)})
	}
	return rows
}

// endpointView is where a deployment is, without its key.
type endpointView struct {
	API        string `json:"api"`
	URL        string `json:"url"`
	APIVersion string `json:"api_version,omitempty"`
	Key        string `json:"key,omitempty"` // where it comes from; "(hidden)" for a literal
}

func endpointOf(f *config.File, id string) *endpointView {
	ep, ok := f.Endpoints[id]
	if !ok {
		return nil
	}
	return &endpointView{API: ep.API, URL: f.Mask(ep.BaseURL), APIVersion: f.Mask(ep.APIVersion), Key: ep.Credential.Source()}
}

// cell is the endpoint's cell: its host, or the variable that its address is in.
func (v *endpointView) cell() string {
	if v == nil {
		return "-"
	}
	_, rest, cut := strings.Cut(v.URL, "://")
	if !cut {
		return cell(v.URL)
	}
	host, _, _ := strings.Cut(rest, "/")
	return cell(host)
}

// proxied says what of a deployment the proxy serves.
func (v *deploymentView) proxied() string {
	switch {
	case len(v.Proxy) == 0:
		return "decisions only"
	case slices.Contains(v.Proxy, "/messages/batches"):
		return "messages, count_tokens, batches"
	case v.Endpoint.API == "anthropic":
		return "messages, count_tokens"
	case slices.Contains(v.Proxy, "/files"):
		return "OpenAI's API, files, batches"
	}
	return "OpenAI's API"
}
