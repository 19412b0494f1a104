package lab

import (
	"maps"
	"slices"
)

// Without is how a row of ours changes when one kind of traffic is left out. It shows whether a
// verdict depends on one trace.
type Without struct {
	World string `json:"world"`
	// The lowest and the highest mean goodput, and the traffic that is left out for it.
	Low         float64 `json:"low"`
	LowTraffic  string  `json:"low_without"`
	High        float64 `json:"high"`
	HighTraffic string  `json:"high_without"`
	// LowGain is the lowest difference to LiteLLM with its cooldown.
	LowGain        float64 `json:"low_gain"`
	LowGainTraffic string  `json:"low_gain_without"`
	// Changes are the kinds of traffic without which the world's goal is met and with which it
	// is missed, or the other way round. Judged is false where the world has no goal.
	Judged  bool     `json:"judged"`
	Met     bool     `json:"met"` // with all traffic
	Changes []string `json:"changes"`
}

// without returns the row as it were without a kind of traffic.
func (r *Row) without(traffic string) Row {
	o := *r
	o.ByTraffic, o.Goodput, o.Refusals, o.Worst, o.Gain = map[string]float64{}, 0, 0, 0, 0
	var gains []float64
	for _, t := range slices.Sorted(maps.Keys(r.ByTraffic)) {
		if t == traffic {
			continue
		}
		g := r.ByTraffic[t]
		if len(o.ByTraffic) == 0 || g < o.Worst {
			o.Worst, o.WorstTraffic = g, t
		}
		o.ByTraffic[t] = g
		o.Goodput += g
		o.Refusals += r.refusals[t]
		if x, ok := r.gains[t]; ok {
			gains = append(gains, x)
		}
	}
	n := float64(len(o.ByTraffic))
	o.Goodput /= n
	o.Refusals /= n
	o.Gain = mean(gains)
	return o
}

// leaveOneOut returns how our rows change when each kind of traffic in turn is left out;
// nothing for rows of one kind.
func (p *Plan) leaveOneOut(s *Summary) (list []Without) {
	for i := range p.Worlds {
		w := &p.Worlds[i]
		r, ok := s.find(w.Name, OursName)
		if !ok || len(r.ByTraffic) < 2 {
			continue
		}
		o := Without{World: w.Name, Low: 2, LowGain: 2}
		at := slices.IndexFunc(Goals, func(g Goal) bool { return g.Group == w.Group })
		if o.Judged = at >= 0; o.Judged {
			o.Met = Goals[at].judge(r).Met
		}
		for _, t := range p.Traffic {
			if _, ran := r.ByTraffic[t.Name]; !ran {
				continue
			}
			x := r.without(t.Name)
			if x.Goodput < o.Low {
				o.Low, o.LowTraffic = x.Goodput, t.Name
			}
			if x.Goodput > o.High {
				o.High, o.HighTraffic = x.Goodput, t.Name
			}
			if x.Gain < o.LowGain {
				o.LowGain, o.LowGainTraffic = x.Gain, t.Name
			}
			if o.Judged && Goals[at].judge(x).Met != o.Met {
				o.Changes = append(o.Changes, t.Name)
			}
		}
		list = append(list, o)
	}
	return list
}
