package report

import (
	"fmt"
	"slices"

	"github.com/go-analyze/charts"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// section is a part of the page: charts that answer one question.
type section struct {
	Name, Title string
	Text        string
	Charts      []chart
}

// sections returns the parts of the page; those without data say so.
func sections(s *lab.Summary, f *figures) ([]section, error) {
	list := []section{
		{Name: "load", Title: "Goodput and refusals against load", Text: "Load is what providers charge for the offered calls, as a share of their limits. Goodput is tokens served, in percent of the best of the greedy clairvoyants at the same load; the mean over all traffic."},
		{Name: "traffic", Title: "Traffic and seeds", Text: "Ours by world: the line reaches from the worst traffic to the best, the bar is the mean, as high as seeds of network, counts and failures change it."},
		{Name: "gain", Title: "Difference to LiteLLM with its cooldown", Text: "Goodput of ours less that of usage-based-routing-v2 with its router's cooldown, on equal traffic and seeds. The line is the 95 % interval of the mean over traffic (Student's t), the bar the mean: blue above zero, red below."},
		{Name: "minute", Title: "Utilization over the minute", Text: "Each point is the work of the deployments in two seconds of their own minute, in percent of what their limits allow in that time. Input counts where a call begins, output where it ends."},
		{Name: "boundary", Title: "Refusals around the boundary of a minute", Text: "Refusals by providers in each two seconds of a deployment's minute, per 1000 calls of the run. Those at the left come just after the boundary, those at the right just before it."},
		{Name: "waits", Title: "Waits by the size of the prompt", Text: "Ours where calls may wait up to ten seconds: the median wait of those that waited, and the 99 % quantile of the traffic with the longest; and calls that were not served."},
		{Name: "fairness", Title: "Fairness", Text: "Jain's index of tokens served per limit, over the deployments: 1 where all are used alike. Where limits are wrong, shared with others or out of order, even use is no goal."},
	}
	for i, make := range []func(*lab.Summary, *figures) ([]chart, error){curves, byTraffic, gains, utilization, boundaries, waiting, fairness} {
		var err error
		if list[i].Charts, err = make(s, f); err != nil {
			return nil, fmt.Errorf("chart %s: %w", list[i].Name, err)
		}
	}
	return list, nil
}

func curves(_ *lab.Summary, f *figures) (list []chart, err error) {
	var worlds []string
	for _, c := range f.Curves {
		if !slices.Contains(worlds, c.World) {
			worlds = append(worlds, c.World)
		}
	}
	for _, w := range worlds {
		var goodput, refusals series
		var loads []string
		for _, name := range compared {
			for _, c := range f.Curves {
				if c.World != w || c.Policy != name {
					continue
				}
				var g, r []float64
				loads = nil
				for _, p := range c.Points {
					loads = append(loads, fmt.Sprintf("%.0f", 100*p.Load))
					g, r = append(g, 100*p.Goodput), append(r, p.Refusals)
				}
				if name == best {
					continue // it is what goodput is measured by, and is refused nothing
				}
				goodput.names, goodput.values = append(goodput.names, nameOf(name)), append(goodput.values, g)
				refusals.names, refusals.values = append(refusals.names, nameOf(name)), append(refusals.values, r)
			}
		}
		a, err := lines(w+": goodput", loads, "load, %", goodput, axis{unit: "%", decimals: 1, to: new(100.0)}, true)
		if err != nil {
			return nil, err
		}
		b, err := lines(w+": refusals", loads, "load, %", refusals, axis{unit: "429s per 1000", decimals: 1, from: new(0.0)}, true)
		if err != nil {
			return nil, err
		}
		list = append(list, a, b)
	}
	return list, nil
}

// oursBy returns our rows, a chart's worth at a time.
func oursBy(s *lab.Summary, draw func(worlds []string, rows []lab.Row) (chart, error)) (list []chart, err error) {
	var rows []lab.Row
	for _, r := range s.Rows {
		if r.Policy == lab.OursName {
			rows = append(rows, r)
		}
	}
	for part := range slices.Chunk(rows, perChart) {
		var worlds []string
		for _, r := range part {
			worlds = append(worlds, r.World)
		}
		c, err := draw(worlds, part)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// leastBar is the least height of a bar, as a share of the axis. A lower bar would look like
// a line.
const leastBar = 0.015

func byTraffic(s *lab.Summary, _ *figures) ([]chart, error) {
	low, high := 100.0, 100.0
	for _, r := range s.Rows {
		if r.Policy == lab.OursName {
			for _, g := range r.ByTraffic {
				low, high = min(low, 100*g), max(high, 100*g)
			}
		}
	}
	return oursBy(s, func(worlds []string, rows []lab.Row) (chart, error) {
		var list []span
		for _, r := range rows {
			bestOf, name := r.Worst, r.WorstTraffic
			for _, t := range s.Traffic {
				if g, ok := r.ByTraffic[t]; ok && g > bestOf {
					bestOf, name = g, t
				}
			}
			bar := max(100*r.Spread, leastBar*(high-low)) / 2
			list = append(list, span{
				low: 100 * r.Worst, high: 100 * bestOf, from: 100*r.Goodput - bar, to: 100*r.Goodput + bar,
				descriptions: []string{
					fmt.Sprintf("%.1f", 100*r.Goodput), fmt.Sprintf("%.1f %s", 100*r.Worst, r.WorstTraffic),
					fmt.Sprintf("%.1f %s", 100*bestOf, name), fmt.Sprintf("%.1f", 100*r.Spread),
				},
			})
		}
		head := []string{"mean, %", "worst traffic", "best traffic", "spread of seeds, points"}
		return spans(rangeOf(worlds), worlds, list, head, axis{unit: "goodput, %", from: &low, to: &high})
	})
}

func gains(s *lab.Summary, _ *figures) ([]chart, error) {
	low, high := 0.0, 0.0
	for _, r := range s.Rows {
		if r.Policy == lab.OursName {
			low, high = min(low, 100*(r.Gain-r.GainError)), max(high, 100*(r.Gain+r.GainError))
		}
	}
	bar := leastBar * (high - low) / 2
	return oursBy(s, func(worlds []string, rows []lab.Row) (chart, error) {
		var list []span
		for _, r := range rows {
			g, e := 100*r.Gain, 100*r.GainError
			list = append(list, span{
				low: g - e, high: g + e, from: g - bar, to: g + bar, down: g < 0,
				descriptions: []string{fmt.Sprintf("%+.1f", g), fmt.Sprintf("%+.1f to %+.1f", g-e, g+e)},
			})
		}
		return spans(rangeOf(worlds), worlds, list, []string{"mean, points", "95 % interval"}, axis{unit: "points", from: &low, to: &high})
	})
}

// rangeOf names a chart by its worlds.
func rangeOf(worlds []string) string {
	if len(worlds) == 1 {
		return worlds[0]
	}
	return worlds[0] + " to " + worlds[len(worlds)-1]
}

// overMinute draws what of gives for each policy, a chart a world.
func overMinute(f *figures, title string, of func(*within) []float64, without string, a axis) (list []chart, err error) {
	var labels []string
	for i := range lab.Parts {
		labels = append(labels, fmt.Sprint(i*60/lab.Parts))
	}
	for i := 0; i < len(f.Minutes); {
		world := f.Minutes[i].World
		var s series
		for ; i < len(f.Minutes) && f.Minutes[i].World == world; i++ {
			if m := &f.Minutes[i]; m.Policy != without {
				s.names, s.values = append(s.names, nameOf(m.Policy)), append(s.values, of(m))
			}
		}
		c, err := lines(world+": "+title, labels, "second of the minute", s, a, false)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// nameOf shortens the names of policies for legends.
func nameOf(policy string) string {
	switch policy {
	case best:
		return "clairvoyant"
	case shuffle:
		return "shuffle+cooldown"
	}
	return policy
}

func utilization(_ *lab.Summary, f *figures) ([]chart, error) {
	return overMinute(f, "utilization", func(m *within) []float64 {
		var list []float64
		for _, x := range m.Used {
			list = append(list, 100*x)
		}
		return list
	}, "", axis{unit: "%", decimals: 1, from: new(0.0)})
}

func boundaries(_ *lab.Summary, f *figures) ([]chart, error) {
	return overMinute(f, "refusals", func(m *within) []float64 { return m.Refused[:] }, best, axis{unit: "429s per 1000", decimals: 2, from: new(0.0)})
}

func waiting(_ *lab.Summary, f *figures) (list []chart, err error) {
	for _, w := range f.Waits {
		a, err := bars(w.World+": waits", sizes(), "tokens of the prompt",
			series{[]string{"median", "99 %"}, [][]float64{w.Median[:], w.P99[:]}}, axis{unit: "s", decimals: 2, from: new(0.0)})
		if err != nil {
			return nil, err
		}
		b, err := bars(w.World+": not served", sizes(), "tokens of the prompt",
			series{[]string{"not served"}, [][]float64{w.NotServed[:]}}, axis{unit: "per 1000", decimals: 1, from: new(0.0)})
		if err != nil {
			return nil, err
		}
		list = append(list, a, b)
	}
	return list, nil
}

func fairness(s *lab.Summary, _ *figures) ([]chart, error) {
	low := 1.0
	for _, r := range s.Rows {
		if r.Policy == lab.OursName || r.Policy == lab.LiteLLMName {
			low = min(low, r.Jain)
		}
	}
	return oursBy(s, func(worlds []string, rows []lab.Row) (chart, error) {
		x := series{names: []string{lab.OursName, lab.LiteLLMName}, values: make([][]float64, 2)}
		for _, r := range rows {
			theirs := charts.GetNullValue()
			for _, o := range s.Rows {
				if o.World == r.World && o.Policy == lab.LiteLLMName {
					theirs = o.Jain
				}
			}
			x.values[0], x.values[1] = append(x.values[0], r.Jain), append(x.values[1], theirs)
		}
		return dots(rangeOf(worlds), worlds, x, axis{unit: "Jain", decimals: 3, from: &low, to: new(1.0)})
	})
}
