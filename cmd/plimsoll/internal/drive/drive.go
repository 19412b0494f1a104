package drive

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// perOutputToken is the assumed time per output token of a deployment.
const perOutputToken = 20 * time.Millisecond

// maxInFlight is the largest number of calls in flight; requests beyond it are not sent.
const maxInFlight = 20_000

// Options describe a run.
type Options struct {
	Client *Client
	Groups []Group // where requests go, in proportion to their weights
	Trace  trace.Trace
	Speed  float64 // how much faster than the trace's own time; above 0
	For    time.Duration
	Seed   uint64
}

// Group is a group that requests go to.
type Group struct {
	Name   string
	Weight int64
}

// Groups returns the groups of the deployments, weighted by their token limits,
// or evenly if none has one.
func Groups(states []engine.State) []Group {
	var groups []Group
	limited := false
	for _, s := range states {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == s.Group })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Name: s.Group})
		}
		groups[i].Weight += max(0, s.Limit(engine.LimitTPM).Max)
		limited = limited || s.Limit(engine.LimitTPM).Max > 0
	}
	for i := range groups {
		if !limited {
			groups[i].Weight = 1
		}
	}
	return groups
}

// player is the state of a run.
type player struct {
	Options
	mu     sync.Mutex
	report Report
	tally  map[string]*DeploymentReport
	waits  []time.Duration // times of acquire; a sample
	seen   int64
	rng    *rand.Rand // draws the sample
}

// Run plays the trace, and repeats it when it ends, until the time is over or ctx
// ends. Both give a report. Run then settles the calls in flight immediately.
func Run(ctx context.Context, o Options) *Report {
	p := &player{Options: o, tally: map[string]*DeploymentReport{}, rng: rand.New(rand.NewPCG(o.Seed, 2))}
	begin := time.Now()
	end, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	groups := rand.New(rand.NewPCG(o.Seed, 1))
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxInFlight)
	timer := time.NewTimer(0)
	defer timer.Stop()
	lap := o.Trace.Duration() + time.Second // a gap between the last request of a lap and the first of the next
	for i := 0; end.Err() == nil; i++ {
		r := o.Trace[i%len(o.Trace)]
		due := time.Duration(float64(r.Arrival+time.Duration(i/len(o.Trace))*lap) / o.Speed)
		timer.Reset(due - time.Since(begin))
		select {
		case <-end.Done():
			continue
		case <-timer.C:
		}
		group := p.group(groups)
		select {
		case slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-slots }()
				p.play(end, r, group)
			})
		default:
			p.mu.Lock()
			p.report.Offered++
			p.report.NotSent++
			p.mu.Unlock()
		}
	}
	wg.Wait()
	return p.finish(time.Since(begin), ctx.Err() != nil)
}

// group draws a group by weight.
func (p *player) group(rng *rand.Rand) string {
	sum := int64(0)
	for _, g := range p.Groups {
		sum += g.Weight
	}
	n := rng.Int64N(sum)
	for _, g := range p.Groups {
		if n -= g.Weight; n < 0 {
			return g.Name
		}
	}
	return p.Groups[len(p.Groups)-1].Name
}

type demand struct {
	Group           string `json:"group"`
	InputTokens     int64  `json:"input_tokens"`
	MaxOutputTokens int64  `json:"max_output_tokens,omitempty"`
}

type usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

type settlement struct {
	Lease string `json:"lease"`
	Usage usage  `json:"usage"`
}

// play makes one call. It sends acquire and settle even if ctx ends meanwhile, so
// that no lease stays open.
func (p *player) play(ctx context.Context, r trace.Request, group string) {
	var lease struct{ Lease, Deployment string }
	send := context.WithoutCancel(ctx)
	begin := time.Now()
	no, err := p.Client.do(send, "POST", "/v1/acquire", demand{group, r.Input, r.MaxOutput}, &lease)
	p.acquired(time.Since(begin), no, err)
	if no != nil || err != nil {
		return
	}
	call := time.Duration(float64(provider.Deployment{PerOutputToken: perOutputToken}.CallTime(r)) / p.Speed)
	t := time.NewTimer(call)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	var ended struct{ Lease string }
	no, err = p.Client.do(send, "POST", "/v1/settle", settlement{lease.Lease, usage{r.Input, r.Output}}, &ended)
	p.settled(lease.Deployment, r.Tokens(), no, err)
}
