// Package rows is what compare.sh measures, built once against each engine.
package rows

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Row is an operation: Run does it n times.
type Row struct {
	Name string
	Make func() (run func(n int))
	N    int // operations in a turn
}

const lots = 1 << 36

var clock = func() *window.Clock {
	c := window.NewClock()
	go func() { _ = c.Run(context.Background()) }()
	return c
}()

func fleet(n int, l engine.Limits, p provider.Profile) []engine.Deployment {
	ds := make([]engine.Deployment, n)
	for i := range ds {
		ds[i] = engine.Deployment{ID: fmt.Sprintf("deployment-%05d", i), Group: "g", Limits: l, Profile: p}
	}
	return ds
}

var plain = engine.Limits{TPM: lots, RPM: 1 << 30}

func start(s engine.Strategy, ds []engine.Deployment) (*engine.Engine, *engine.Group) {
	e, err := engine.New(engine.Config{Strategy: s, Deployments: ds, Clock: clock})
	if err != nil {
		panic(err)
	}
	g, err := e.Group("g")
	if err != nil {
		panic(err)
	}
	return e, g
}

// uneven gives every deployment another usage.
func uneven(e *engine.Engine, ds []engine.Deployment) {
	for i := range ds {
		_ = e.Record(ds[i].ID, engine.Usage{InputTokens: int64(1000 + i*7919%100_003)})
	}
}

var sizes = func() (s [1024]int64) {
	r := uint64(7)
	for i := range s {
		r = r*6364136223846793005 + 1442695040888963407
		s[i] = 100 + int64(r>>40)%1000
	}
	return s
}()

func acquire(s engine.Strategy, ds []engine.Deployment, differs bool) func() func(int) {
	return func() func(int) {
		e, g := start(s, ds)
		uneven(e, ds)
		k := 0
		return func(n int) {
			for range n {
				k++
				size := sizes[k&1023]
				l, ok := g.TryAcquire(engine.Demand{InputTokens: size, OutputTokens: 50})
				if !ok {
					panic("refused")
				}
				u := engine.Usage{InputTokens: size, OutputTokens: 50}
				if differs {
					u.OutputTokens = 30 + sizes[(k+5)&1023]&15
				}
				l.Settle(u)
			}
		}
	}
}

// refused asks a group of which each deployment's limit of 1000 tokens is used so far.
func refused(s engine.Strategy, used int64) func() func(int) {
	return func() func(int) {
		ds := fleet(1000, engine.Limits{TPM: 1000}, provider.Profile{})
		e, g := start(s, ds)
		use := func() {
			for i := range ds {
				_ = e.Record(ds[i].ID, engine.Usage{InputTokens: used})
			}
		}
		use()
		return func(n int) {
			for range n {
				if _, ok := g.Pick(engine.Demand{InputTokens: 100}); ok { // another minute
					use()
				}
			}
		}
	}
}

// ended ends every lease as if its call had not been made: all stay equal.
func ended(s engine.Strategy, ds []engine.Deployment) func() func(int) {
	return func() func(int) {
		_, g := start(s, ds)
		return func(n int) {
			for range n {
				l, ok := g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: 50})
				if !ok {
					panic("refused")
				}
				l.Release()
			}
		}
	}
}

func pick(s engine.Strategy, n int) func() func(int) {
	return func() func(int) {
		ds := fleet(n, plain, provider.Profile{})
		e, g := start(s, ds)
		uneven(e, ds)
		return func(n int) {
			for range n {
				if _, ok := g.Pick(engine.Demand{InputTokens: 100, OutputTokens: 50}); !ok {
					panic("refused")
				}
			}
		}
	}
}

func tooLarge() func(int) {
	ds := fleet(1000, plain, provider.Profile{})
	for i := range 100 {
		ds[i].Limits.TPM = 1_000_000
	}
	e, g := start(engine.LowestTPM, ds)
	for i := range ds {
		used := int64(1_000)
		if i >= 100 {
			used = 500_000
		}
		_ = e.Record(ds[i].ID, engine.Usage{InputTokens: used + int64(i)})
	}
	return func(n int) {
		for range n {
			l, ok := g.TryAcquire(engine.Demand{InputTokens: 2_000_000, OutputTokens: engine.NoOutput})
			if !ok {
				panic("refused")
			}
			l.Release()
		}
	}
}

func byHandle(do func(r engine.Ref)) func() func(int) {
	return func() func(int) {
		ds := fleet(10, plain, provider.Profile{})
		e, _ := start(engine.LowestTPM, ds)
		r, err := e.Ref(ds[3].ID)
		if err != nil {
			panic(err)
		}
		return func(n int) {
			for range n {
				do(r)
			}
		}
	}
}

func byName(do func(e *engine.Engine, id string)) func() func(int) {
	return func() func(int) {
		ds := fleet(10, plain, provider.Profile{})
		e, _ := start(engine.LowestTPM, ds)
		return func(n int) {
			for k := range n {
				do(e, ds[k%10].ID)
			}
		}
	}
}

func applied(groups int) func() func(int) {
	return func() func(int) {
		ds := fleet(1000*groups, plain, provider.Profile{})
		for i := range ds {
			ds[i].Group = fmt.Sprint("g", i%groups)
		}
		ds[0].Group = "g"
		e, _ := start(engine.LowestTPM, ds)
		k := int64(0)
		return func(n int) {
			for range n {
				k++
				next := append([]engine.Deployment(nil), ds...)
				for i := range next {
					next[i].Limits.TPM = lots + k&1
				}
				if err := e.Apply(engine.Config{Strategy: engine.LowestTPM, Deployments: next}); err != nil {
					panic(err)
				}
			}
		}
	}
}

func collect() func(int) {
	ds := fleet(1000, plain, provider.Profile{})
	e, _ := start(engine.LowestTPM, ds)
	uneven(e, ds)
	var reports []window.Report
	return func(n int) {
		for range n {
			reports = e.Collect(reports[:0])
		}
	}
}

// firstOf measures the first request of each minute, and one every other.
func firstOf(n int) func() func(int) {
	return func() func(int) {
		var at atomic.Int64
		at.Store(time.Unix(1_800_000_000, 0).UnixNano())
		ds := fleet(n, plain, provider.Profile{})
		e, err := engine.New(engine.Config{Strategy: engine.LowestTPM, Deployments: ds, Clock: window.NewClockFrom(func() time.Time { return time.Unix(0, at.Load()) })})
		if err != nil {
			panic(err)
		}
		g, err := e.Group("g")
		if err != nil {
			panic(err)
		}
		return func(n int) {
			for range n {
				at.Add(int64(time.Minute))
				l, _ := g.TryAcquire(engine.Demand{InputTokens: 10})
				l.Settle(engine.Usage{InputTokens: 10})
			}
		}
	}
}

// Memory returns the bytes that an engine takes per deployment, of so many.
func Memory(n int) float64 {
	ds := fleet(n, plain, provider.Profile{})
	read := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := read()
	e, _ := start(engine.LowestTPM, ds)
	after := read()
	runtime.KeepAlive(e)
	return float64(after-before) / float64(n)
}

// Rows are all rows.
func Rows() (rows []Row) {
	add := func(name string, n int, f func() func(int)) { rows = append(rows, Row{name, f, n}) }
	for _, s := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
		for _, n := range []int{10, 100, 1000} {
			at := fmt.Sprintf("%v %d", s, n)
			add("acquire settle "+at, 2000, acquire(s, fleet(n, plain, provider.Profile{}), true))
			add("acquire settle equal "+at, 2000, acquire(s, fleet(n, plain, provider.Profile{}), false))
			add("acquire release tied "+at, 1000, ended(s, fleet(n, plain, provider.Profile{})))
			add("pick "+at, 2000, pick(s, n))
		}
		at := s.String()
		add("acquire settle bucket "+at, 1000, acquire(s, fleet(10, plain, provider.Profile{Shape: provider.Bucket}), true))
		held := plain
		held.MaxInFlight = 100_000
		add("acquire settle in-flight 10 "+at, 1000, acquire(s, fleet(10, held, provider.Profile{}), true))
		days := plain
		days.RPD, days.TPD = 1<<40, 1<<40
		add("acquire settle days 10 "+at, 1000, acquire(s, fleet(10, days, provider.Profile{}), true))
		add("acquire settle in-flight 1000 "+at, 1000, acquire(s, fleet(1000, held, provider.Profile{}), true))
		add("acquire settle phase 10 "+at, 1000, acquire(s, fleet(10, plain, provider.Profile{Phase: 30 * time.Second}), true))
		add("acquire settle 10 s parts 10 "+at, 1000, acquire(s, fleet(10, engine.Limits{TPM: engine.MaxCount, RPM: engine.MaxCount}, provider.Profile{RequestWindow: 10 * time.Second}), true))
		add("acquire release tied phase 10 "+at, 1000, ended(s, fleet(10, plain, provider.Profile{Phase: 30 * time.Second})))
		add("acquire release tied days 10 "+at, 1000, ended(s, fleet(10, days, provider.Profile{})))
		add("acquire settle phase 1000 "+at, 100, acquire(s, fleet(1000, plain, provider.Profile{Phase: 30 * time.Second}), true))
		add("refused, full 1000 "+at, 1000, refused(s, 1000))
		add("refused, room for 50 each 1000 "+at, 1000, refused(s, 950))
	}
	for _, n := range []int{10, 1000} {
		at := fmt.Sprintf("%v %d", engine.PowerOfTwo, n)
		add("acquire settle "+at, 2000, acquire(engine.PowerOfTwo, fleet(n, plain, provider.Profile{}), true))
		add("acquire release tied "+at, 1000, ended(engine.PowerOfTwo, fleet(n, plain, provider.Profile{})))
	}
	add("too large for 100 of 1000", 300, tooLarge)
	add("precheck", 4000, byHandle(func(r engine.Ref) { r.PreCheck(engine.Demand{}) }))
	add("record", 4000, byHandle(func(r engine.Ref) { r.Record(engine.Usage{InputTokens: 1}) }))
	add("precheck by name", 4000, byName(func(e *engine.Engine, id string) { _ = e.PreCheck(id, engine.Demand{}) }))
	add("record by name", 4000, byName(func(e *engine.Engine, id string) { _ = e.Record(id, engine.Usage{InputTokens: 1}) }))
	add("apply 1000", 1, applied(1))
	add("apply 10 x 1000", 1, applied(10))
	add("collect 1000", 20, collect)
	add("minute 1000", 5, firstOf(1000))
	add("minute 10000", 1, firstOf(10_000))
	return rows
}
