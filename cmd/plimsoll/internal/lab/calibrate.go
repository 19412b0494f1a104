package lab

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Logged is the traffic of a log, with the outcome that the log records.
type Logged struct {
	Model    string
	Traffic  *Traffic
	Refused  int64 // attempts that providers refused with status 429, as logged
	Imputed  int   // calls whose tokens are not those of the log
	Capped   int   // calls whose max_tokens are not those of the log
	Statuses bool  // the log has statuses, so that refusals can be compared
	Observed []provider.Deployment
}

// FromLog returns the traffic of one model of a log. Observed are the deployments that it
// names, each with the most that it served in a minute as its limits.
func FromLog(l *logs.Log, model string) *Logged {
	out := &Logged{Model: model, Traffic: &Traffic{Name: model}}
	var begin time.Time
	tokens, requests := map[string]map[int64]int64{}, map[string]map[int64]int64{}
	for _, c := range l.Calls {
		if c.Model != model {
			continue
		}
		if begin.IsZero() {
			begin = c.Begin
		}
		out.Refused += int64(c.Refused)
		out.Statuses = out.Statuses || c.Stated
		if c.Imputed {
			out.Imputed++
		}
		if c.MaxOutput == 0 {
			out.Capped++
		}
		out.Traffic.Calls = append(out.Traffic.Calls, trace.Request{
			Arrival: c.Begin.Sub(begin), Input: c.Input, Output: c.Output, MaxOutput: max(c.MaxOutput, 0),
		})
		if c.Failed {
			continue
		}
		name := cmp.Or(c.Deployment, "all")
		if tokens[name] == nil {
			tokens[name], requests[name] = map[int64]int64{}, map[int64]int64{}
		}
		tokens[name][c.Begin.Unix()/60] += c.Input + c.Output
		requests[name][c.Begin.Unix()/60]++
	}
	caps := slices.Clone(out.Traffic.Calls)
	caps.NameMaxOutput(1)
	for i := range caps {
		if out.Traffic.Calls[i].MaxOutput < out.Traffic.Calls[i].Output {
			out.Traffic.Calls[i].MaxOutput = caps[i].MaxOutput
		}
	}
	for name, byMinute := range tokens {
		d := provider.Deployment{ID: name, PerOutputToken: 20 * time.Millisecond}
		for minute, n := range byMinute {
			d.TPM, d.RPM = max(d.TPM, n), max(d.RPM, requests[name][minute])
		}
		out.Observed = append(out.Observed, d)
	}
	slices.SortFunc(out.Observed, func(a, b provider.Deployment) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// WorldOf returns the world of a provider, by its name in package engine/provider, and
// OpenAI's for one that has none.
func WorldOf(name string) World {
	names := map[string]string{"azure": "azure10", "anthropic": "anthropic", "bedrock": "bedrock", "groq": "groq", "gemini": "gemini-bucket", "mistral": "mistral", "cerebras": "cerebras"}
	w, err := WorldNamed(cmp.Or(names[name], "openai"))
	if err != nil {
		panic(err)
	}
	return w
}

// Calibration compares the policy that made a log with the log.
type Calibration struct {
	Logged    float64 `json:"logged_429_per_1000"`
	Simulated float64 `json:"simulated_429_per_1000"`
	Agrees    bool    `json:"agrees"`
}

// Calibrations within these bounds agree: of the logged refusals, or per 1000 calls.
const (
	agreePart   = 0.2
	agreeAtMost = 2
)

// LogResult is the outcome of the policies on the traffic of a log.
type LogResult struct {
	Calibration Calibration `json:"calibration"`
	Policies    []Result    `json:"policies"` // the operator's first
}

// PlayLog simulates the operator's policy and others on the traffic of a log, at its own
// times.
func PlayLog(ctx context.Context, w World, l *Logged, operator PolicyKind, others []PolicyKind, done func(finished, of int)) (*LogResult, error) {
	out := &LogResult{}
	list := []PolicyKind{operator}
	for _, p := range others {
		if p.Name != operator.Name {
			list = append(list, p)
		}
	}
	for i, p := range list {
		o, err := Run(ctx, w, l.Traffic, p, 1)
		if err != nil {
			return nil, err
		}
		out.Policies = append(out.Policies, Result{Cell: Cell{World: w.Name, Traffic: l.Model, Policy: p.Name, Seed: 1}, Outcome: o})
		done(i+1, len(list))
	}
	c := &out.Calibration
	c.Logged = 1000 * ratio(l.Refused, int64(len(l.Traffic.Calls)))
	c.Simulated = out.Policies[0].PerThousand()
	d := max(c.Simulated-c.Logged, c.Logged-c.Simulated)
	c.Agrees = l.Statuses && (d <= agreeAtMost || d <= agreePart*c.Logged)
	return out, nil
}
