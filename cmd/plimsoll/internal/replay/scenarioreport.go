package replay

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// ScenarioReport is the result of a [Scenario].
type ScenarioReport struct {
	Scenario string          `json:"scenario"`
	Nodes    int             `json:"nodes"`
	Minutes  int             `json:"minutes"` // that were played to the end
	Limits   []ScenarioLimit `json:"limits"`
}

// ScenarioLimit is the result of one limit, under each rule.
type ScenarioLimit struct {
	Limit string         `json:"limit"`
	Rules []ScenarioRule `json:"rules"`
}

// ScenarioRule is one rule's part. Shares are of the limit, or of the requests.
type ScenarioRule struct {
	Rule     string  `json:"rule"`
	Requests int64   `json:"requests"`
	Refused  int64   `json:"refused"`
	OverMean float64 `json:"over_mean"` // admitted beyond the limit, mean of the minutes
	OverMax  float64 `json:"over_max"`
	Unused   float64 `json:"unused"`  // of what was offered within the limit, mean of the minutes
	Waited   float64 `json:"waited"`  // requests that took more than a millisecond
	Vain     float64 `json:"vain"`    // of the requests: waited and were refused
	WaitMS   float64 `json:"wait_ms"` // mean of those that waited and were admitted
}

func (s Scenario) report(all []*contestant, minutes int) *ScenarioReport {
	r := &ScenarioReport{Scenario: s.Name, Nodes: s.Nodes.Count, Minutes: minutes}
	for i, l := range scenarioLimits {
		limit := ScenarioLimit{Limit: l.name}
		for _, c := range all {
			limit.Rules = append(limit.Rules, c.books[i].rule(c.name, float64(l.rpm+l.tpm), minutes))
		}
		r.Limits = append(r.Limits, limit)
	}
	return r
}

func (b *scenarioBooks) rule(name string, limit float64, minutes int) ScenarioRule {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := ScenarioRule{Rule: name, Requests: b.requests, Refused: b.refused}
	for i := range minutes {
		over := max(float64(b.admitted[i])-limit, 0) / limit
		r.OverMean, r.OverMax = r.OverMean+over/float64(minutes), max(r.OverMax, over)
		r.Unused += max(min(float64(b.offered[i]), limit)-float64(b.admitted[i]), 0) / limit / float64(minutes)
	}
	if b.requests > 0 {
		r.Waited, r.Vain = float64(b.waited)/float64(b.requests), float64(b.vain)/float64(b.requests)
	}
	if n := b.waited - b.vain; n > 0 {
		r.WaitMS = float64(b.wait) / float64(n) / float64(time.Millisecond)
	}
	return r
}

const scenarioLegend = `over       admitted by all nodes together beyond the limit, in a UTC minute: mean, and highest
unused     of the limit, though requests for it were offered
waited     requests that took longer than a millisecond; in vain: and were refused; how long
           those admitted took on average
`

// WriteTable writes the report for people.
func (r *ScenarioReport) WriteTable(w io.Writer) error {
	rows := [][]string{{"limit", "rule", "over", "highest", "unused", "refused", "waited", "in vain", "mean wait"}}
	worst := map[string]float64{}
	var order []string
	for _, l := range r.Limits {
		for _, p := range l.Rules {
			rows = append(rows, []string{
				l.Limit, p.Rule, hundredths(p.OverMean), hundredths(p.OverMax), hundredths(p.Unused),
				percent(p.Refused, p.Requests), hundredths(p.Waited), hundredths(p.Vain), fmt.Sprintf("%.1f ms", p.WaitMS),
			})
			if _, ok := worst[p.Rule]; !ok {
				order = append(order, p.Rule)
			}
			worst[p.Rule] = max(worst[p.Rule], p.OverMax)
		}
	}
	var text strings.Builder
	text.WriteString(align(rows, "llrrrrrrr") + "\n" + scenarioLegend + "\n")
	for _, name := range order {
		fmt.Fprintf(&text, "%s: overshoot %s at most\n", name, hundredths(worst[name]))
	}
	_, err := io.WriteString(w, text.String())
	return err
}
