package lab

import (
	"math"
	"slices"
)

// Row is a policy in a world, over all traffic and seeds of the usual load.
type Row struct {
	World  string `json:"world"`
	Policy string `json:"policy"`
	// Goodput is the tokens served as a share of those of the best greedy clairvoyant, the
	// mean over traffic of the means over seeds.
	Goodput      float64 `json:"goodput"`
	Worst        float64 `json:"worst"` // on the traffic with the lowest goodput
	WorstTraffic string  `json:"worst_traffic"`
	Spread       float64 `json:"spread"`   // the mean over traffic of the highest of a seed less the lowest
	Refusals     float64 `json:"refusals"` // by providers, per 1000 calls
	Jain         float64 `json:"jain"`
	OfOffered    float64 `json:"of_offered"` // tokens served as a share of those offered
	Overrun      float64 `json:"overrun"`    // tokens above the limits as a share of them, by minutes of UTC
	Failed       float64 `json:"failed"`     // calls that failed, per 1000
	WaitP99      float64 `json:"wait_p99_s"`
	// Gain is the goodput less LiteLLM's with a cooldown, the mean of the differences of
	// equal traffic and seed; GainError is half of its 95 % interval, over traffic.
	Gain      float64            `json:"gain"`
	GainError float64            `json:"gain_error"`
	ByTraffic map[string]float64 `json:"by_traffic"` // goodput

	refusals, gains map[string]float64 // by traffic
}

// Summary is the evaluation of a plan's results.
type Summary struct {
	Rows     []Row     `json:"rows"`
	Verdicts []Verdict `json:"verdicts"`
	Without  []Without `json:"without"`
	Overall  []Overall `json:"overall"`
	Below    []Below   `json:"below"`
	Set      string    `json:"-"` // [Plan.Set]
	Results  []Result  `json:"-"`
	Traffic  []string  `json:"traffic"`
	Seeds    int       `json:"seeds"`
}

// place is where and when policies are compared.
type place struct {
	world, traffic string
	load           float64
	seed           uint64
}

// at returns the place of a cell.
func (c *Cell) at() place { return place{c.World, c.Traffic, c.Load, c.Seed} }

// bests returns the tokens of the best greedy clairvoyant of every place. The one whose
// calls may wait is not among them.
func bests(results []Result) map[place]int64 {
	best := map[place]int64{}
	for i := range results {
		if r := &results[i]; isBound(r.Policy) && r.Policy != WaitingBound.Name {
			best[r.at()] = max(best[r.at()], r.TokensServed)
		}
	}
	return best
}

func isBound(policy string) bool {
	return len(policy) > 12 && policy[:12] == "clairvoyant:"
}

// Summarize returns the rows and verdicts of a plan's results.
func (p *Plan) Summarize(results []Result) *Summary {
	best := bests(results)
	s := &Summary{Results: results, Seeds: len(p.Seeds), Set: p.Set}
	for _, t := range p.Traffic {
		s.Traffic = append(s.Traffic, t.Name)
	}
	goodput := map[Cell]float64{}
	for i := range results {
		r := &results[i]
		if b := best[r.at()]; b > 0 {
			r.Goodput = float64(r.TokensServed) / float64(b)
			goodput[r.Cell] = r.Goodput
		}
	}
	for i := range p.Worlds {
		names := []string{}
		if p.Worlds[i].Wait > 0 {
			names = append(names, WaitingBound.Name)
		}
		for _, k := range p.Policies {
			names = append(names, k.Name)
		}
		for _, name := range names {
			if row, ok := p.row(p.Worlds[i].Name, name, results, goodput); ok {
				s.Rows = append(s.Rows, row)
			}
		}
	}
	s.Below = below(p, s)
	s.Verdicts = verdicts(p, s)
	s.Without = p.leaveOneOut(s)
	s.Overall = p.overall(s)
	return s
}

// row returns one row; false if the policy did not run in the world. Each kind of traffic
// has the same weight, whatever the number of its seeds.
func (p *Plan) row(world, policy string, results []Result, goodput map[Cell]float64) (Row, bool) {
	row := Row{World: world, Policy: policy, Worst: math.Inf(1), ByTraffic: map[string]float64{}, refusals: map[string]float64{}, gains: map[string]float64{}}
	var gains, spreads []float64
	kinds := 0.0
	for _, t := range p.Traffic {
		var o Row
		var goodputs, differences []float64
		for i := range results {
			r := &results[i]
			if r.World != world || r.Policy != policy || r.Traffic != t.Name || r.Load != UsualLoad {
				continue
			}
			g := goodput[r.Cell]
			goodputs = append(goodputs, g)
			other := r.Cell
			other.Policy = LiteLLMName
			if theirs, ok := goodput[other]; ok {
				differences = append(differences, g-theirs)
			}
			o.add(r)
		}
		n := float64(len(goodputs))
		if n == 0 {
			continue
		}
		kinds++
		m := mean(goodputs)
		row.ByTraffic[t.Name], row.refusals[t.Name] = m, o.Refusals/n
		if m < row.Worst {
			row.Worst, row.WorstTraffic = m, t.Name
		}
		if len(goodputs) > 1 {
			spreads = append(spreads, slices.Max(goodputs)-slices.Min(goodputs))
		}
		if len(differences) > 0 {
			gains = append(gains, mean(differences))
			row.gains[t.Name] = mean(differences)
		}
		row.Goodput += m
		row.Refusals += o.Refusals / n
		row.Jain += o.Jain / n
		row.OfOffered += o.OfOffered / n
		row.Overrun += o.Overrun / n
		row.Failed += o.Failed / n
		row.WaitP99 = max(row.WaitP99, o.WaitP99)
	}
	if kinds == 0 {
		return row, false
	}
	for _, x := range []*float64{&row.Goodput, &row.Refusals, &row.Jain, &row.OfOffered, &row.Overrun, &row.Failed} {
		*x /= kinds
	}
	row.Spread = mean(spreads)
	row.Gain, row.GainError = interval95(gains)
	return row, true
}

// add adds up the figures of a run.
func (r *Row) add(of *Result) {
	r.Refusals += of.PerThousand()
	r.Jain += of.Jain
	r.OfOffered += ratio(of.TokensServed, of.TokensOffered)
	r.Overrun += ratio(of.Overrun, of.Quota)
	r.Failed += 1000 * ratio(of.Outcome.Failed, of.Offered)
	r.WaitP99 = max(r.WaitP99, float64(of.Outcome.WaitP99)/1000)
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(max(len(list), 1))
}

// interval95 returns the mean and half of its 95 % interval by Student's t.
func interval95(list []float64) (m, half float64) {
	m = mean(list)
	n := len(list)
	if n < 2 {
		return m, 0
	}
	squares := 0.0
	for _, x := range list {
		squares += (x - m) * (x - m)
	}
	quantiles := []float64{0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13}
	return m, quantiles[min(n-1, len(quantiles)-1)] * math.Sqrt(squares/float64(n-1)/float64(n))
}

// Overall is a policy over the worlds of one node whose calls do not wait, those with an
// operator's own caps aside.
type Overall struct {
	Policy     string  `json:"policy"`
	Worlds     int     `json:"worlds"`
	Goodput    float64 `json:"goodput"` // mean over worlds
	Worst      float64 `json:"worst"`   // of the world with the lowest goodput
	WorstWorld string  `json:"worst_world"`
	Refusals   float64 `json:"refusals"` // mean over worlds
	Most       float64 `json:"most"`     // of the world with the most
	MostWorld  string  `json:"most_world"`
}

// overall returns the policies that ran in all of these worlds on all traffic.
func (p *Plan) overall(s *Summary) (list []Overall) {
	for _, k := range p.Policies {
		o, missing := Overall{Policy: k.Name, Worst: math.Inf(1), Most: -1}, false
		for i := range p.Worlds {
			w := &p.Worlds[i]
			if !w.base() || w.Soft {
				continue
			}
			r, ok := s.find(w.Name, k.Name)
			if !ok || len(r.ByTraffic) < len(p.Traffic) {
				missing = true
				break
			}
			o.Worlds++
			o.Goodput += r.Goodput
			o.Refusals += r.Refusals
			if r.Goodput < o.Worst {
				o.Worst, o.WorstWorld = r.Goodput, w.Name
			}
			if r.Refusals > o.Most {
				o.Most, o.MostWorld = r.Refusals, w.Name
			}
		}
		if missing || o.Worlds == 0 {
			continue
		}
		o.Goodput /= float64(o.Worlds)
		o.Refusals /= float64(o.Worlds)
		list = append(list, o)
	}
	return list
}

// find returns the row of a policy in a world.
func (s *Summary) find(world, policy string) (Row, bool) {
	for _, r := range s.Rows {
		if r.World == world && r.Policy == policy {
			return r, true
		}
	}
	return Row{}, false
}
