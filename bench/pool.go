package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// wide is a limit that no benchmark reaches.
const wide = engine.MaxCount

// slowdown is the factor by which the benchmarks' clock is slow, so that a run of many
// minutes stays inside one minute and keeps the usage that was set up for it. A reading
// of the clock costs the same as usual.
const slowdown = 10_000

// start is the second the benchmarks' minute began.
var start = time.Now().Truncate(time.Minute)

// slowClock returns the clock all pools share: made coarse by Run, one second
// into the minute.
var slowClock = sync.OnceValue(func() *window.Clock {
	begun := time.Now()
	c := window.NewClockFrom(func() time.Time {
		return start.Add(time.Second + time.Since(begun)/slowdown)
	})
	go func() { _ = c.Run(context.Background()) }()
	return c
})

// pool is an engine with one group, ready to be asked.
type pool struct {
	engine *engine.Engine
	group  *engine.Group
	refs   []engine.Ref
	ids    []string
}

// member is the initial state of a deployment of a pool.
type member struct {
	limits engine.Limits
	used   int64 // tokens, by other nodes
	cools  bool
	tags   []string
	rule   provider.Profile
}

// newPool builds a group of n members; set fills in each one, nil leaves all
// with wide limits and no usage.
func newPool(s engine.Strategy, n int, set func(i int, m *member)) pool {
	p := pool{}
	cfg := engine.Config{Strategy: s, Clock: slowClock()}
	var shares []window.Share
	cools := make([]bool, n)
	for i := range n {
		m := member{limits: engine.Limits{RPM: wide, TPM: wide}}
		if set != nil {
			set(i, &m)
		}
		id := deploymentID(i)
		p.ids = append(p.ids, id)
		cools[i] = m.cools
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "group", Limits: m.limits, Tags: m.tags, Profile: m.rule})
		if m.used > 0 {
			shares = append(shares, window.Share{Tally: window.Tally{ID: id, Start: start.Unix(), Tokens: m.used}})
		}
	}
	p.engine = must(engine.New(cfg))
	p.group = must(p.engine.Group("group"))
	p.engine.Absorb(shares)
	for i, id := range p.ids {
		p.refs = append(p.refs, must(p.engine.Ref(id)))
		if cools[i] {
			p.refs[i].Cooldown(30 * time.Second)
		}
	}
	return p
}

// deploymentID returns an ID as long as a UUID.
func deploymentID(i int) string { return fmt.Sprintf("deployment-%025d", i) }

// randomUsage returns n usages below wide/4, the same on each call.
func randomUsage(n int) []int64 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	used := make([]int64, n)
	for i := range used {
		used[i] = 1<<32 + r.Int64N(wide/4)
	}
	return used
}

// randomPool builds a group of n whose usage differs.
func randomPool(s engine.Strategy, n int) pool {
	used := randomUsage(n)
	return newPool(s, n, func(i int, m *member) { m.used = used[i] })
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
