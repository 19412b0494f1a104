package report

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// figures are the numbers of charts that the rows of a summary lack.
type figures struct {
	Curves  []curve  `json:"curves"`
	Minutes []within `json:"minutes"`
	Waits   []waits  `json:"waits"`
}

// curve is a policy in a world, by load.
type curve struct {
	World  string  `json:"world"`
	Policy string  `json:"policy"`
	Points []point `json:"points"`
}

type point struct {
	Load     float64 `json:"load"`
	Goodput  float64 `json:"goodput"`
	Refusals float64 `json:"refusals"` // by providers, per 1000 calls
}

// within is a policy in a world, by the part of a deployment's minute.
type within struct {
	World  string `json:"world"`
	Policy string `json:"policy"`
	// Used is what deployments worked on, as a share of what their limits allow in that time.
	Used    [lab.Parts]float64 `json:"used"`
	Refused [lab.Parts]float64 `json:"refused"` // by providers, per 1000 calls of the whole run
}

// waits is how long calls waited for an admission in a world, by the size of their prompts.
type waits struct {
	World string `json:"world"`
	// Median is the mean over traffic and seeds, P99 the highest of them, in seconds.
	Median     [len(lab.Sizes) + 1]float64 `json:"median_s"`
	P99        [len(lab.Sizes) + 1]float64 `json:"p99_s"`
	NotServed  [len(lab.Sizes) + 1]float64 `json:"not_served_per_1000"`
	waitedRuns [len(lab.Sizes) + 1]float64
}

// best stands for the greedy clairvoyant that most others are measured by.
const best = "clairvoyant: lowest with own size"

const shuffle = "simple-shuffle+cooldown"

// compared are the policies in charts, in their order.
var compared = []string{lab.OursName, lab.LiteLLMName, shuffle, best}

// figuresOf computes the figures of a summary.
func figuresOf(s *lab.Summary) *figures {
	return &figures{Curves: curvesOf(s), Minutes: minutesOf(s), Waits: waitsOf(s)}
}

// curvesOf returns the curves of worlds that ran at several loads, the usual one by the
// seed of the others.
func curvesOf(s *lab.Summary) (list []curve) {
	type key struct{ world, policy string }
	type sums struct{ n, goodput, refused, offered float64 }
	var keys []key
	all, seeds := map[key]map[float64]*sums{}, map[string]uint64{}
	for i := range s.Results {
		if r := &s.Results[i]; r.Load != lab.UsualLoad {
			seeds[r.World] = r.Seed
		}
	}
	for i := range s.Results {
		r := &s.Results[i]
		if seed, ok := seeds[r.World]; !ok || r.Seed != seed || !slices.Contains(compared, r.Policy) {
			continue
		}
		k := key{r.World, r.Policy}
		if all[k] == nil {
			all[k] = map[float64]*sums{}
			keys = append(keys, k)
		}
		if all[k][r.Load] == nil {
			all[k][r.Load] = &sums{}
		}
		x := all[k][r.Load]
		x.n++
		x.goodput += r.Goodput
		x.refused += float64(r.Provider429)
		x.offered += float64(r.Offered)
	}
	for _, k := range keys {
		c := curve{World: k.world, Policy: k.policy}
		if len(all[k]) < 2 {
			continue // it ran at the usual load only
		}
		for load, x := range all[k] {
			c.Points = append(c.Points, point{load, x.goodput / x.n, 1000 * x.refused / max(x.offered, 1)})
		}
		slices.SortFunc(c.Points, func(a, b point) int {
			if a.Load < b.Load {
				return -1
			}
			return 1
		})
		list = append(list, c)
	}
	return list
}

// usual calls f for the results of a policy in a world at the usual load.
func usual(s *lab.Summary, world, policy string, f func(*lab.Result)) {
	for i := range s.Results {
		if r := &s.Results[i]; r.World == world && r.Policy == policy && r.Load == lab.UsualLoad {
			f(r)
		}
	}
}

// minuteWorlds are the worlds whose minutes are shown, if they ran; else the first few.
var minuteWorlds = []string{"fixed", "fixed-phase", "azure10", "azure1"}

func minutesOf(s *lab.Summary) (list []within) {
	worlds := slices.DeleteFunc(slices.Clone(minuteWorlds), func(w string) bool { return !slices.Contains(worldsOf(s), w) })
	if len(worlds) == 0 {
		worlds = worldsOf(s)
		worlds = worlds[:min(len(worlds), len(minuteWorlds))]
	}
	for _, w := range worlds {
		for _, p := range compared {
			m, quota, offered := within{World: w, Policy: p}, 0.0, 0.0
			usual(s, w, p, func(r *lab.Result) {
				quota += float64(r.Quota)
				offered += float64(r.Offered)
				for i := range m.Used {
					m.Used[i] += float64(r.UsedByPart[i])
					m.Refused[i] += float64(r.RefusedByPart[i])
				}
			})
			if quota == 0 {
				continue
			}
			for i := range m.Used {
				m.Used[i] *= lab.Parts / quota
				m.Refused[i] *= 1000 / max(offered, 1)
			}
			list = append(list, m)
		}
	}
	return list
}

// waitsOf returns the waits of ours in the worlds in which calls waited.
func waitsOf(s *lab.Summary) (list []waits) {
	for _, world := range worldsOf(s) {
		w, waited := waits{World: world}, int64(0)
		var offered, lost [len(lab.Sizes) + 1]float64
		usual(s, world, lab.OursName, func(r *lab.Result) {
			waited += r.Waited
			for i, p50 := range r.WaitP50BySize {
				if r.WaitP99BySize[i] > 0 {
					w.waitedRuns[i]++
					w.Median[i] += float64(p50) / 1000
					w.P99[i] = max(w.P99[i], float64(r.WaitP99BySize[i])/1000)
				}
				offered[i] += float64(r.OfferedBySize[i])
				lost[i] += float64(r.RefusedBySize[i])
			}
		})
		if waited == 0 {
			continue
		}
		for i := range w.Median {
			w.Median[i] /= max(w.waitedRuns[i], 1)
			w.NotServed[i] = 1000 * lost[i] / max(offered[i], 1)
		}
		list = append(list, w)
	}
	return list
}

// worldsOf returns the worlds of the rows in their order.
func worldsOf(s *lab.Summary) (worlds []string) {
	for _, r := range s.Rows {
		if !slices.Contains(worlds, r.World) {
			worlds = append(worlds, r.World)
		}
	}
	return worlds
}
