package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// sharedShapes are the rules under which input and output are counted.
var sharedShapes = []provider.Profile{
	{}, {Shape: provider.Bucket}, {Phase: 13 * time.Second}, {Day: provider.DayPacific}, {Shape: provider.Bucket, Day: provider.DayPacific},
}

func kindOf(p provider.Profile) window.Kind {
	if p.Day == provider.DayPacific {
		return window.KindDayPacific
	}
	return window.KindDay
}

// reports keeps the last report of every window of every kind, as a syncer would.
type reports map[tallyKey]window.Tally

type tallyKey struct {
	id    string
	kind  window.Kind
	start int64
}

func (w reports) collect(e *engine.Engine) {
	for _, r := range e.Collect(nil) {
		w[tallyKey{r.ID, r.Kind, r.Start}] = r.Tally
	}
}

// sum adds up all windows of minutes, or of days.
func (w reports) sum(daily bool) (sum window.Tally) {
	for k, t := range w {
		if k.kind.Daily() == daily {
			sum.Requests += t.Requests
			sum.Tokens += t.Tokens
			sum.Input += t.Input
			sum.Output += t.Output
		}
	}
	return sum
}

// TestEveryCountIsReported: while 64 goroutines use, minutes and a day end, others'
// usage comes in and configurations change, the reports add up to what was used:
// requests, tokens, input and output of minutes, requests and tokens of days.
func TestEveryCountIsReported(t *testing.T) {
	const much = 1 << 40
	for i, shape := range sharedShapes {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			v := newVirtual()
			kind := kindOf(shape)
			_, end := kind.Span(v.ns.Load() / int64(time.Second))
			v.ns.Store((end - 180) * int64(time.Second))
			ds := same(5, "g", engine.Limits{InputTPM: much, OutputTPM: much, RPD: much, TPD: much, RPM: much})
			for j := range ds {
				ds[j].Profile = shape
			}
			e := start(t, v, engine.LeastUtilized, ds)
			g := group(t, e, "g")
			seen := reports{}
			seen.collect(e)
			var p pacer
			random := rand.New(rand.NewPCG(7, uint64(i)))
			var moves atomic.Int64
			stop := background(func(round int) {
				switch random.IntN(4) {
				case 0:
					p.move(func() {
						v.add(time.Minute)
						e.AppendStates(nil)
						moves.Add(1)
					})
				case 1:
					seen.collect(e)
				case 2:
					now := v.ns.Load() / int64(time.Second)
					id := ds[random.IntN(len(ds))].ID
					day, _ := kind.Span(now)
					e.Absorb([]window.Share{
						{Tally: window.Tally{
							ID: id, Start: now / 60 * 60, Requests: random.Int64N(100), Tokens: random.Int64N(100), Input: random.Int64N(1000), Output: random.Int64N(1000),
						}},
						{Tally: window.Tally{ID: id, Start: now/60*60 + 60, Input: random.Int64N(1000), Output: random.Int64N(1000)}},
						{Tally: window.Tally{ID: id, Kind: kind, Start: day, Requests: random.Int64N(1000), Tokens: random.Int64N(1000)}},
					})
				case 3:
					changed := ds
					if round%2 == 0 {
						changed = append(slices.Clip(ds), engine.Deployment{ID: "aside", Group: "g", Disabled: true})
					}
					if err := e.Apply(engine.Config{Deployments: changed, Strategy: engine.LeastUtilized}); err != nil {
						panic(err)
					}
				}
			})
			var requests, input, output atomic.Int64
			par(workers, func(k int) {
				defer p.done(k)
				random := rand.New(rand.NewPCG(3, uint64(k)))
				for i := 0; goesOn(i, scale(3000), &moves, 5); i++ {
					p.round(k)
					in, out := random.Int64N(100), 1+random.Int64N(100)
					l, ok := g.TryAcquire(engine.Demand{InputTokens: in, OutputTokens: out})
					if !ok {
						panic("refused")
					}
					used := engine.Usage{InputTokens: random.Int64N(200), OutputTokens: random.Int64N(200)}
					switch i % 4 {
					case 0:
						l.Add(3)
						l.Settle(used)
					case 1:
						l.SettleReserved()
						used = engine.Usage{InputTokens: in, OutputTokens: out}
					case 2:
						l.Release()
						continue
					case 3:
						l.Ref().Record(used)
						l.Settle(used)
						used.InputTokens *= 2
						used.OutputTokens *= 2
					}
					requests.Add(1)
					input.Add(used.InputTokens)
					output.Add(used.OutputTokens)
				}
			})
			stop()
			seen.collect(e)
			want := window.Tally{Requests: requests.Load(), Tokens: input.Load() + output.Load(), Input: input.Load(), Output: output.Load()}
			require.Equal(t, want, seen.sum(false), "minutes")
			require.Equal(t, window.Tally{Requests: want.Requests, Tokens: want.Tokens}, seen.sum(true), "days")
			require.Greater(t, moves.Load(), int64(4), "too few minutes")
			days := map[int64]bool{}
			for k := range seen {
				if k.kind == kind {
					days[k.start] = true
				}
			}
			require.Len(t, days, 2)
		})
	}
}

// FuzzShared compares own usage as reported, and admission under others' usage
// and ceilings, with a ledger that writes down what each minute and day must hold.
func FuzzShared(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(noise(seed+900, 600))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		l := newShared(t, &s)
		for step := 0; s.more() && step < maxSteps; step++ {
			l.step(&s)
			if s.byte()%8 == 0 {
				l.check()
			}
		}
		l.check()
	})
}

// parts are counts in the order of requests, tokens, input, output.
type parts [4]int64

// shared is an engine of one deployment, and what it should hold.
type shared struct {
	t      *testing.T
	v      *virtual
	e      *engine.Engine
	g      *engine.Group
	cfg    engine.Deployment
	kind   window.Kind
	seen   reports
	own    map[tallyKey]*parts
	others map[tallyKey]parts
	ceil   map[tallyKey]parts // 0 = none
	leases []*sharedLease
}

type sharedLease struct {
	lease   engine.Lease
	at      int64
	in, out int64 // reserved
}

func newShared(t *testing.T, s *script) *shared {
	t.Helper()
	l := &shared{t: t, v: newVirtual(), seen: reports{}, own: map[tallyKey]*parts{}, others: map[tallyKey]parts{}, ceil: map[tallyKey]parts{}}
	l.cfg = engine.Deployment{ID: "a", Group: "g", Profile: sharedShapes[s.int(len(sharedShapes))]}
	l.cfg.Limits = engine.Limits{InputTPM: 400, OutputTPM: 200, RPD: 60, TPD: 3000}
	if l.cfg.Profile.Shape == provider.Bucket || l.cfg.Profile.Phase != 0 { // the rule itself is tested elsewhere
		l.cfg.Limits = engine.Limits{InputTPM: 1 << 40, OutputTPM: 1 << 40, RPD: 60, TPD: 3000}
	}
	l.kind = kindOf(l.cfg.Profile)
	_, end := l.kind.Span(l.now())
	l.v.ns.Store((end - 60*int64(1+s.int(5))) * int64(time.Second))
	l.e = start(t, l.v, engine.LowestTPM, []engine.Deployment{l.cfg})
	l.g = group(t, l.e, "g")
	l.seen.collect(l.e)
	return l
}

func (l *shared) now() int64 { return l.v.ns.Load() / int64(time.Second) }

func (l *shared) minute(at int64) tallyKey { return tallyKey{"a", window.KindMinute, at / 60 * 60} }

func (l *shared) day(at int64) tallyKey {
	begin, _ := l.kind.Span(at)
	return tallyKey{"a", l.kind, begin}
}

func (l *shared) put(k tallyKey, p parts) {
	o := l.own[k]
	if o == nil {
		o = &parts{}
		l.own[k] = o
	}
	for i, n := range p {
		o[i] += n
	}
	if k.kind.Daily() {
		o[2], o[3] = 0, 0
	}
}

func (l *shared) charge(at int64, p parts) {
	l.put(l.minute(at), p)
	l.put(l.day(at), p)
}

// adjust puts what a lease of an instant has cost beyond what was charged.
func (l *shared) adjust(at int64, p parts) {
	now := l.now()
	if now/60-at/60 <= 1 {
		l.put(l.minute(at), p)
	} else {
		late := p
		late[0], late[1] = 0, max(p[1], 0) // the cell knows tokens as a whole
		late[2], late[3] = max(p[2], 0), max(p[3], 0)
		l.put(l.minute(now), late)
	}
	present, _ := l.kind.Span(now)
	before, _ := l.kind.Span(present - 1)
	switch begin, _ := l.kind.Span(at); {
	case begin == present, begin == before && now < present+120:
		l.put(l.day(at), p)
	case begin < before:
		l.put(l.day(now), parts{max(p[0], 0), max(p[1], 0)})
	default: // yesterday's, which is reported no more
	}
}

// fits reports whether a window takes n more.
func (l *shared) fits(k tallyKey, limits, n parts) bool {
	var own parts
	if o := l.own[k]; o != nil {
		own = *o
	}
	others, ceil := l.others[k], l.ceil[k]
	for i := range n {
		if limits[i] != 0 && own[i]+others[i]+n[i] > limits[i] {
			return false
		}
		if ceil[i] != 0 && own[i]+n[i] > max(ceil[i], 0) {
			return false
		}
	}
	return true
}

func (l *shared) step(s *script) {
	switch s.int(12) {
	default:
		l.acquire(int64(s.int(60)), int64(s.int(30)))
	case 5, 6:
		if len(l.leases) > 0 {
			i := s.int(len(l.leases))
			l.end(s, l.leases[i])
			l.leases = append(l.leases[:i], l.leases[i+1:]...)
		}
	case 7:
		u := engine.Usage{InputTokens: int64(s.int(40)), OutputTokens: int64(s.int(40))}
		ref(l.t, l.e, "a").Record(u)
		l.charge(l.now(), parts{0, u.InputTokens + u.OutputTokens, u.InputTokens, u.OutputTokens})
	case 8, 9:
		l.absorb(s)
	case 10:
		steps := []int64{1, 7, 30, 60, 61, 200, 3600, 20 * 3600}
		l.v.add(time.Duration(of(s, steps...)) * time.Second)
		l.e.AppendStates(nil)
		l.seen.collect(l.e)
	case 11:
		l.cfg.Limits.RPM = int64(1000 + s.int(5))
		if err := l.e.Apply(engine.Config{Deployments: []engine.Deployment{l.cfg}, Strategy: engine.LowestTPM}); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *shared) acquire(in, out int64) {
	now, n := l.now(), parts{1, in + out, in, out}
	demand := engine.Demand{InputTokens: in, OutputTokens: out}
	if out == 0 {
		demand.OutputTokens = engine.NoOutput
	}
	limits := l.cfg.Limits
	want := l.fits(l.minute(now), parts{limits.RPM, 0, limits.InputTPM, limits.OutputTPM}, n) &&
		l.fits(l.day(now), parts{limits.RPD, limits.TPD}, parts{1, in + out})
	x, ok := &sharedLease{at: now, in: in, out: out}, false
	if x.lease, ok = l.g.TryAcquire(demand); ok != want {
		l.t.Fatalf("admitted %v, want %v: %v at %d, own %v and %v, others %v and %v, ceilings %v and %v", ok, want, n, now,
			l.own[l.minute(now)], l.own[l.day(now)], l.others[l.minute(now)], l.others[l.day(now)], l.ceil[l.minute(now)], l.ceil[l.day(now)])
	}
	if ok {
		l.charge(now, n)
		l.leases = append(l.leases, x)
	}
}

func (l *shared) end(s *script, x *sharedLease) {
	switch s.int(4) {
	case 0:
		u := engine.Usage{InputTokens: int64(s.int(90)), OutputTokens: int64(s.int(60))}
		x.lease.Settle(u)
		l.adjust(x.at, parts{0, u.InputTokens + u.OutputTokens - x.in - x.out, u.InputTokens - x.in, u.OutputTokens - x.out})
	case 1:
		x.lease.Add(5)
		l.adjust(x.at, parts{0, 5, 0, 5})
		x.lease.SettleReserved()
	case 2:
		x.lease.Release()
		l.adjust(x.at, parts{-1, -x.in - x.out, -x.in, -x.out})
	case 3:
		x.lease.SettleReserved()
	}
}

// absorb applies a share of the current minute or day, or of the next.
func (l *shared) absorb(s *script) {
	at, kind := l.now(), window.KindMinute
	if s.int(2) == 0 {
		kind = l.kind
	}
	begin, end := kind.Span(at)
	if s.int(3) == 0 {
		begin = end
	}
	k := tallyKey{"a", kind, begin}
	pick := func() int64 { return int64(of(s, 0, 0, -1, 3, 40, 150)) }
	o, c := parts{pick(), pick(), pick(), pick()}, parts{pick(), pick(), pick(), pick()}
	l.e.Absorb([]window.Share{{
		Tally:           window.Tally{ID: "a", Kind: kind, Start: begin, Requests: o[0], Tokens: o[1], Input: o[2], Output: o[3], CoolUntil: at * 1000},
		CeilingRequests: c[0], CeilingTokens: c[1], CeilingInput: c[2], CeilingOutput: c[3],
	}})
	before := l.others[k]
	for i := range o {
		if o[i] < 0 {
			o[i] = before[i]
		}
	}
	l.others[k], l.ceil[k] = o, c
}

func (l *shared) check() {
	l.t.Helper()
	l.seen.collect(l.e)
	for k, want := range l.own {
		got := l.seen[k]
		if p := (parts{got.Requests, got.Tokens, got.Input, got.Output}); p != *want {
			l.t.Fatalf("%v: reported %v, want %v", k, p, *want)
		}
	}
	st, now := l.e.AppendStates(nil)[0], l.now()
	m, d := l.others[l.minute(now)], l.others[l.day(now)]
	if got, want := (parts{st.Limit(engine.LimitRPM).Remote, st.Limit(engine.LimitTPM).Remote, st.Limit(engine.LimitInputTPM).Remote, st.Limit(engine.LimitOutputTPM).Remote}), m; got != want {
		l.t.Fatalf("others of the minute = %v, want %v", got, want)
	}
	if got, want := (parts{st.Limit(engine.LimitRPD).Remote, st.Limit(engine.LimitTPD).Remote}), (parts{d[0], d[1]}); got != want {
		l.t.Fatalf("others of the day = %v, want %v", got, want)
	}
}
