package lab

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Cell is one run of a plan.
type Cell struct {
	World   string  `json:"world"`
	Traffic string  `json:"traffic"`
	Policy  string  `json:"policy"`
	Load    float64 `json:"load"` // charged tokens as a share of the limits
	Seed    uint64  `json:"seed"`
}

// Result is a cell and its outcome.
type Result struct {
	Cell
	*Outcome
	// Goodput is the tokens served as a share of those of the best greedy clairvoyant in the
	// same place; 0 where none ran. [Plan.Summarize] sets it.
	Goodput float64 `json:"-"`
}

// UsualLoad is the load at which goals are judged.
const UsualLoad = 0.95

// FullSet names the tables of the full set.
const FullSet = "full:"

// Parts is into how many parts the minute of a deployment is cut, see [Outcome.UsedByPart].
const Parts = parts

// Plan is a matrix of runs.
type Plan struct {
	Set     string // whose tables of a Markdown file it renews: "" = the quick set, FullSet
	Worlds  []World
	Traffic []*Traffic
	// Policies beside the bounds; see [Plan.cells] for where each runs.
	Policies []PolicyKind
	Seeds    []uint64
	// Whole runs every combination instead of those that the rotation chooses.
	Whole bool
	// Loads are further loads, for charts; each runs some of the worlds and policies.
	Loads []float64
}

// curves are the worlds and policies that run at the plan's further loads.
var (
	curveWorlds   = map[string]bool{"fixed": true, "openai": true, "azure10": true}
	curvePolicies = map[string]bool{OursName: true, LiteLLMName: true, "simple-shuffle+cooldown": true}
)

// base reports whether the world is one of a single node whose calls do not wait.
func (w *World) base() bool { return w.Nodes == 0 && w.Wait == 0 }

// everywhere are the policies that goals are about, besides ours in other configurations.
var everywhere = map[string]bool{OursName: true, LiteLLMName: true}

// rotation is one in how many combinations run where not all do: each further seed runs
// every world on a third of the traffic, another third for each world and seed, and so do
// the policies that no goal is about with the first seed. Over three seeds each world and
// traffic has run once more; over three worlds of a rule each policy has met all traffic.
const rotation = 3

// rotated reports whether a combination runs.
func rotated(world, traffic, turn int) bool { return (world+traffic+turn)%rotation == 0 }

// goalPolicies are those that goals are about.
var goalPolicies = map[string]bool{OursName: true, LiteLLMName: true, UnknownName: true}

// cells returns the runs in their order: a fractional factorial.
//
// With the first seed the bounds, ours and LiteLLM with its cooldown run in every world on
// every traffic; in worlds of one node whose calls do not wait so do ours with another
// configuration, and the other policies by rotation. With each further seed a third of these
// places run by rotation, the bounds and the policies that goals are about. Further loads run
// in some worlds with the first seed. Dear worlds play a third of the traffic, whatever the seed.
func (p *Plan) cells() []job {
	var jobs []job
	for i := range p.Worlds {
		w := &p.Worlds[i]
		for at, t := range p.Traffic {
			fits := map[float64]*Traffic{}
			add := func(k PolicyKind, load float64, seed uint64) {
				jobs = append(jobs, job{Cell{w.Name, t.Name, k.Name, load, seed}, w, t, k, fits})
			}
			for n, seed := range p.Seeds {
				if n > 0 && !p.Whole && !rotated(i, at, n) || w.Dear && len(p.Traffic) >= rotation && !rotated(i, at, 0) {
					continue
				}
				for _, k := range w.bounds() {
					add(k, UsualLoad, seed)
				}
				for _, k := range p.Policies {
					if w.runs(k, n == 0 || p.Whole, p.Whole || rotated(i, at, 0)) {
						add(k, UsualLoad, seed)
					}
				}
			}
			if !curveWorlds[w.Name] {
				continue
			}
			for _, load := range p.Loads {
				for _, k := range append(w.bounds(), p.Policies...) {
					if k.Bound || curvePolicies[k.Name] {
						add(k, load, p.Seeds[0])
					}
				}
			}
		}
	}
	return jobs
}

// runs reports whether a policy runs in a world with a seed that is the first or another one;
// turn means that the policies without a goal run.
func (w *World) runs(k PolicyKind, first, turn bool) bool {
	switch {
	case everywhere[k.Name]:
		return true
	case !w.base() || w.Soft && k.Name == WrongName:
		return false
	case goalPolicies[k.Name]:
		return true
	case k.Name == WrongName:
		return first
	}
	return first && turn
}

type job struct {
	Cell
	world   *World
	traffic *Traffic
	policy  PolicyKind
	fits    map[float64]*Traffic
}

// Known returns the outcome of a cell that ran before; false if it has not.
type Known func(Cell) (*Outcome, bool)

// Done is called with each result, by one goroutine at a time and in no order. It may stop
// the plan by an error.
type Done func(r Result, finished, of int) error

// Run plays the plan on all processors. The results are in the order of the plan, whatever
// the order in which they came. known may be nil.
func (p *Plan) Run(ctx context.Context, known Known, done Done) ([]Result, error) {
	jobs := p.cells()
	results := make([]Result, len(jobs))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu       sync.Mutex
		wg       sync.WaitGroup
		next     int
		finished int
	)
	work := func() {
		defer wg.Done()
		for {
			mu.Lock()
			i := next
			next++
			var fitted *Traffic
			var err error
			if i < len(jobs) {
				fitted, err = jobs[i].fitted()
			}
			mu.Unlock()
			if i >= len(jobs) || ctx.Err() != nil {
				return
			}
			j := &jobs[i]
			out, ran := (*Outcome)(nil), false
			if known != nil {
				out, ran = known(j.Cell)
			}
			if err == nil && !ran {
				out, err = Run(ctx, *j.world, fitted, j.policy, j.Seed)
			}
			mu.Lock()
			if err == nil {
				results[i] = Result{Cell: j.Cell, Outcome: out}
				finished++
				err = done(results[i], finished, len(jobs))
			}
			mu.Unlock()
			if err != nil {
				cancel(fmt.Errorf("world %s, traffic %s, policy %s, seed %d: %w", j.World, j.Traffic, j.Policy, j.Seed, err))
				return
			}
		}
	}
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go work()
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return results, nil
}

// fitted returns the traffic at the job's load, which the jobs of a world share.
func (j *job) fitted() (*Traffic, error) {
	if t := j.fits[j.Load]; t != nil {
		return t, nil
	}
	t, err := j.traffic.fit(j.world, j.Load)
	j.fits[j.Load] = t
	return t, err
}

// Quick returns the plan that takes less than a minute: short generated traffic, one seed,
// the policies that goals are about, and no dear worlds.
func Quick() *Plan {
	return &Plan{
		Worlds: slices.DeleteFunc(Worlds(), func(w World) bool { return w.Dear }), Traffic: Generated(12 * time.Minute), Seeds: []uint64{1},
		Policies: Policies[:4], Whole: true,
	}
}

// Full returns the whole plan, for generated traffic and that of files.
func Full(files []*Traffic) *Plan {
	return &Plan{
		Set: FullSet, Worlds: Worlds(), Traffic: append(Generated(40*time.Minute), files...), Seeds: []uint64{1, 2, 3, 4, 5},
		Policies: Policies, Loads: []float64{0.5, 0.8, 1.1, 1.5},
	}
}
