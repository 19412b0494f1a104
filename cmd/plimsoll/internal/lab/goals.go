package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Goal is what our policy must reach in every world of a group. Zero fields ask for
// nothing.
type Goal struct {
	Group    string
	Title    string
	Goodput  float64 // at least, of the best greedy clairvoyant, mean over traffic and seeds
	Worst    float64 // at least, on the worst traffic
	Refusals float64 // at most, per 1000 calls
	Overrun  float64 // at most, as a share of the limits
}

// Goals are the goals of the groups. They were fixed before the engine was changed for
// them; docs/QUALITY.md has the date.
var Goals = []Goal{
	{Group: "fixed", Title: "minutes of UTC", Goodput: 0.98, Worst: 0.95, Refusals: 3},
	{Group: "phase", Title: "minutes of unknown phase", Goodput: 0.985, Worst: 0.96, Refusals: 8},
	{Group: "bucket", Title: "OpenAI, Anthropic, Bedrock, Groq", Goodput: 0.995, Worst: 0.975, Refusals: 6},
	{Group: "azure", Title: "Azure with resets", Goodput: 0.975, Worst: 0.95, Refusals: 8},
	{Group: "azure-few", Title: "Azure with few headers", Goodput: 0.965, Worst: 0.93, Refusals: 15},
	{Group: "gemini", Title: "Gemini", Goodput: 0.97, Worst: 0.93, Refusals: 20},
	{Group: "soft", Title: "the operator's own caps", Goodput: 0.92, Overrun: 0.003},
	{Group: "nodes", Title: "five nodes, margin 1 %", Refusals: 15},
	{Group: "escrow", Title: "five nodes that reserve in the store", Refusals: 5},
	{Group: "disturbed", Title: "other tenant, wrong and changing limits", Goodput: 0.96, Worst: 0.93, Refusals: 15},
	{Group: "wait", Title: "calls wait up to 10 s, margin 1 %", Refusals: 1},
}

// Goals over several worlds.
const (
	unknownGain = 0.03   // of goodput over LiteLLM with a cooldown, in the mean over worlds, where the rule is unknown
	unknownPart = 1. / 3 // of its refusals, at most
	leastJain   = 0.98   // in the mean over traffic, in every world
)

// Verdict is a goal and the figures that answer it.
type Verdict struct {
	Goal   string `json:"goal"`
	World  string `json:"world"` // or what the goal is about
	Wanted string `json:"wanted"`
	Found  string `json:"found"`
	Met    bool   `json:"met"`
}

// verdicts judges a summary. Goals whose worlds did not run are left out.
func verdicts(p *Plan, s *Summary) []Verdict {
	var list []Verdict
	for _, g := range Goals {
		for i := range p.Worlds {
			w := &p.Worlds[i]
			if w.Group != g.Group {
				continue
			}
			if r, ok := s.find(w.Name, OursName); ok {
				list = append(list, g.judge(r))
			}
		}
	}
	list = append(list, judgeUnknown(p, s)...)
	list = append(list, judgeJain(p, s)...)
	return append(list, judgeEvery(p, s)...)
}

// judge compares the row of our policy with a goal.
func (g *Goal) judge(r Row) Verdict {
	v := Verdict{Goal: g.Title, World: r.World, Met: true}
	add := func(wanted, found string, met bool) {
		if v.Wanted != "" {
			v.Wanted += " / "
			v.Found += " / "
		}
		v.Wanted += wanted
		v.Found += found
		v.Met = v.Met && met
	}
	if g.Goodput > 0 {
		add(fmt.Sprintf("≥ %.1f %%", 100*g.Goodput), fmt.Sprintf("%.1f %%", 100*r.Goodput), r.Goodput >= g.Goodput)
	}
	if g.Worst > 0 {
		add(fmt.Sprintf("≥ %.1f %%", 100*g.Worst), fmt.Sprintf("%.1f %% %s", 100*r.Worst, r.WorstTraffic), r.Worst >= g.Worst)
	}
	if g.Refusals > 0 {
		add(fmt.Sprintf("≤ %g", g.Refusals), fmt.Sprintf("%.1f", r.Refusals), r.Refusals <= g.Refusals)
	}
	if g.Overrun > 0 {
		add(fmt.Sprintf("≤ %.1f %% over", 100*g.Overrun), fmt.Sprintf("%.2f %%", 100*r.Overrun), r.Overrun <= g.Overrun)
	}
	return v
}

// judgeUnknown judges the engine without the provider's profile.
func judgeUnknown(p *Plan, s *Summary) []Verdict {
	var ours, theirs []Row
	var below []string
	for i := range p.Worlds {
		w := &p.Worlds[i]
		if !w.base() || w.Soft {
			continue
		}
		a, ok := s.find(w.Name, UnknownName)
		b, also := s.find(w.Name, LiteLLMName)
		if !ok || !also {
			continue
		}
		ours, theirs = append(ours, a), append(theirs, b)
		if a.Goodput < b.Goodput {
			below = append(below, w.Name)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	goodput := func(rows []Row) float64 { return average(rows, func(r Row) float64 { return r.Goodput }) }
	refusals := func(rows []Row) float64 { return average(rows, func(r Row) float64 { return r.Refusals }) }
	gain, part := goodput(ours)-goodput(theirs), refusals(ours)/max(refusals(theirs), 1e-9)
	found := "none"
	if len(below) != 0 {
		found = strings.Join(below, " ")
	}
	const goal = "rule unknown, against LiteLLM with a cooldown"
	return []Verdict{
		{goal, "mean over worlds", fmt.Sprintf("≥ +%.1f points", 100*unknownGain), fmt.Sprintf("%+.1f", 100*gain), gain >= unknownGain},
		{goal, "mean over worlds", "≤ 33 % of its refusals", fmt.Sprintf("%.0f %%", 100*part), part <= unknownPart},
		{goal, "worlds below it", "none", found, len(below) == 0},
	}
}

func average(rows []Row, of func(Row) float64) float64 {
	sum := 0.0
	for _, r := range rows {
		sum += of(r)
	}
	return sum / float64(max(len(rows), 1))
}

// judgeJain judges how evenly deployments are used.
func judgeJain(p *Plan, s *Summary) []Verdict {
	v := Verdict{Goal: "even utilization of deployments", World: "least of all worlds", Wanted: fmt.Sprintf("Jain ≥ %.2f", leastJain), Met: true}
	least := 2.0
	for i := range p.Worlds {
		// Even use is no goal where limits are wrong, shared or per day, deployments fail, or
		// conversations stay with their cached prompts.
		if w := &p.Worlds[i]; w.Tenant != 0 || w.WrongLimits != 0 || w.Halve || w.Faults != NoFaults || w.Cached != 0 || w.PerDay != 0 {
			continue
		}
		if r, ok := s.find(p.Worlds[i].Name, OursName); ok && r.Jain < least {
			least = r.Jain
			v.Found, v.Met = fmt.Sprintf("%.3f %s", r.Jain, r.World), r.Jain >= leastJain
		}
	}
	if least > 1 {
		return nil
	}
	return []Verdict{v}
}

// Below is a world and traffic in which LiteLLM with a cooldown serves more than the engine.
type Below struct {
	World    string  `json:"world"`
	Traffic  string  `json:"traffic"`
	Points   float64 `json:"points"` // of goodput, as a share; negative
	Refusals float64 `json:"refusals"`
	Theirs   float64 `json:"theirs"` // LiteLLM's refusals by providers, per 1000 calls
}

// compared calls f with the rows of the engine and of LiteLLM with a cooldown for every world
// and traffic that both played.
func compared(p *Plan, s *Summary, f func(traffic string, ours, theirs Row)) {
	for i := range p.Worlds {
		w := &p.Worlds[i]
		if w.Soft {
			continue // there it serves more by passing the caps
		}
		a, ok := s.find(w.Name, OursName)
		b, also := s.find(w.Name, LiteLLMName)
		if !ok || !also {
			continue
		}
		for _, t := range p.Traffic {
			if _, ran := a.ByTraffic[t.Name]; ran {
				f(t.Name, a, b)
			}
		}
	}
}

// below returns where the engine serves less, the most first. Differences below a tenth of a
// point count as equal.
func below(p *Plan, s *Summary) (list []Below) {
	compared(p, s, func(t string, a, b Row) {
		if d := a.ByTraffic[t] - b.ByTraffic[t]; d < -0.001 {
			list = append(list, Below{a.World, t, d, a.refusals[t], b.refusals[t]})
		}
	})
	slices.SortStableFunc(list, func(a, b Below) int { return cmp.Compare(a.Points, b.Points) })
	return list
}

// judgeEvery judges every world and traffic against LiteLLM with a cooldown.
func judgeEvery(p *Plan, s *Summary) []Verdict {
	cells := 0
	compared(p, s, func(string, Row, Row) { cells++ })
	if cells == 0 {
		return nil
	}
	found := fmt.Sprintf("%d of %d below", len(s.Below), cells)
	if len(s.Below) > 0 {
		worst := s.Below[0]
		found += fmt.Sprintf(", at worst %.1f points on %s %s", 100*worst.Points, worst.World, worst.Traffic)
	}
	return []Verdict{{"at least LiteLLM with a cooldown", "every world and traffic", "none below", found, len(s.Below) == 0}}
}
