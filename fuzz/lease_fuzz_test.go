package fuzz

import (
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// FuzzLeaseLife leads leases through every life there is: ended in time, late,
// twice, never, after an Apply, after a rollover. A ledger that knows leases
// only one by one says what each minute must hold: what was recorded, settled
// and is held. Each lease is exactly one of held, settled, released and expired.
func FuzzLeaseLife(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(noise(seed+300, 200))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		l := newLedger(t, &s)
		for step := 0; s.more() && step < maxSteps; step++ {
			l.step(&s)
			if s.byte()%4 == 0 {
				l.check()
			}
		}
		l.check()
	})
}

// A ledger is an engine of leases, and an entry for each of them.
type ledger struct {
	t        *testing.T
	time     *virtual
	engine   *engine.Engine
	group    *engine.Group
	configs  [][]engine.Deployment
	entries  []*entry
	recorded map[windowKey]int64
	vague    map[windowKey]bool
	seen     collector
	ttl      int64 // minutes
}

// An entry is one lease and what it has put where.
type entry struct {
	lease    engine.Lease
	id       string
	epoch    int64
	state    string // held, settled, released
	requests int64
	tokens   int64           // in the minute of admission
	later    map[int64]int64 // in minutes after that
	open     int64           // reservation and what Add has added
	orphan   bool
}

func newLedger(t *testing.T, s *script) *ledger {
	t.Helper()
	n := of(s, 1, 2, 10, 65, 128)
	limits := limitsOf(s.int(len(limitPalettes)), 0)
	l := &ledger{t: t, time: newVirtual(), recorded: map[windowKey]int64{}, vague: map[windowKey]bool{}, seen: collector{}, ttl: of[int64](s, 1, 3, 15)}
	base := same(n, "g", limits)
	half, moved := []engine.Deployment{base[0]}, slices.Clone(base)
	for i := 1; i < n; i++ {
		if i%2 == 0 {
			half = append(half, base[i])
		}
		if i%3 == 0 {
			moved[i].Group = "h"
		}
	}
	aside := engine.Deployment{ID: "aside", Group: "h"}
	for _, ds := range [][]engine.Deployment{base, half, moved} {
		l.configs = append(l.configs, append(slices.Clone(ds), aside))
	}
	var err error
	l.engine, err = engine.New(l.config(0))
	if err != nil {
		t.Fatal(err)
	}
	if l.group, err = l.engine.Group("g"); err != nil {
		t.Fatal(err)
	}
	l.engine.Collect(nil)
	return l
}

func (l *ledger) config(i int) engine.Config {
	cfg := engine.Config{Deployments: l.configs[i], Strategy: strategies[i%2]}
	if l.engine == nil {
		cfg.Clock, cfg.LeaseTTL, cfg.Rand = l.time.clock(), time.Duration(l.ttl*minute), splitmix(1)
		cfg.TrackHeld = true
	}
	return cfg
}

func (l *ledger) epoch() int64 { return l.time.ns.Load() / minute }

// step keeps the published epoch the current one: each step of time is followed
// by a look.
func (l *ledger) step(s *script) {
	switch s.int(16) {
	default:
		e := &entry{epoch: l.epoch(), state: "held", requests: 1, later: map[int64]int64{}}
		q := engine.Demand{InputTokens: int64(s.int(60)), OutputTokens: of[int64](s, engine.NoOutput, 0, 20)}
		var ok bool
		if e.lease, ok = l.group.TryAcquire(q); ok {
			e.id, e.open = e.lease.Ref().ID(), e.lease.Reserved()
			e.tokens = e.open
			l.entries = append(l.entries, e)
		}
	case 6:
		id, n := l.configs[0][s.int(len(l.configs[0]))].ID, int64(s.int(50))
		if l.engine.Record(id, engine.Usage{OutputTokens: n}) == nil {
			l.recorded[windowKey{id, l.epoch() * 60}] += n
		}
	case 7, 8, 9, 10, 11:
		if len(l.entries) > 0 {
			l.end(s, l.entries[s.int(len(l.entries))])
		}
	case 12:
		if len(l.entries) > 0 {
			e, n := l.entries[s.int(len(l.entries))], int64(s.int(100))
			e.lease.Add(n)
			if e.state == "held" {
				l.charge(e, n)
				e.open += n
			}
		}
	case 13, 14:
		l.time.add(time.Duration(1+s.int(90)) * time.Second * of[time.Duration](s, 1, 1, 1, 10))
		l.seen.collect(l.engine)
		l.orphan()
	case 15:
		l.orphan()
		if err := l.engine.Apply(l.config(s.int(len(l.configs)))); err != nil {
			l.t.Fatal(err)
		}
	}
}

// charge puts tokens where the contract wants them.
func (l *ledger) charge(e *entry, tokens int64) {
	now := l.epoch()
	switch {
	case now <= e.epoch+1:
		e.tokens += tokens
	case tokens > 0 && e.orphan:
		l.vague[windowKey{e.id, now * 60}] = true
	case tokens > 0:
		e.later[now] += tokens
	}
}

// orphan finds the leases that have outlived both their TTL and their
// deployment: where the engine counts what they still cost is its own affair.
func (l *ledger) orphan() {
	for _, e := range l.entries {
		if l.epoch()-e.epoch >= l.ttl && !e.orphan {
			_, err := l.engine.Ref(e.id)
			e.orphan = err != nil
		}
	}
}

// end ends a lease, for the second time if need be.
func (l *ledger) end(s *script, e *entry) {
	again, now := e.state != "held", l.epoch()
	switch how := s.int(3); how {
	case 0:
		used := int64(s.int(150))
		e.lease.Settle(engine.Usage{InputTokens: used / 2, OutputTokens: used - used/2})
		if !again {
			l.charge(e, used-e.open)
			e.state = "settled"
		}
	case 1:
		e.lease.SettleReserved()
		if !again {
			e.state = "settled"
		}
	case 2:
		e.lease.Release()
		if !again {
			l.charge(e, -e.open)
			if now <= e.epoch+1 {
				e.requests = 0
			}
			e.state = "released"
		}
	}
}

func (l *ledger) check() {
	l.t.Helper()
	l.seen.collect(l.engine)
	want := map[windowKey][2]int64{}
	put := func(id string, epoch, requests, tokens int64) {
		k := windowKey{id, epoch * 60}
		u := want[k]
		want[k] = [2]int64{u[0] + requests, u[1] + tokens}
	}
	ends := map[string]int64{}
	for _, e := range l.entries {
		put(e.id, e.epoch, e.requests, e.tokens)
		for epoch, n := range e.later {
			put(e.id, epoch, 0, n)
		}
		ends[e.state]++
	}
	for k, n := range l.recorded {
		put(k.id, k.start/60, 0, n)
	}
	for k, u := range want {
		if got := l.seen[k]; !l.vague[k] && (got.Requests != u[0] || got.Tokens != u[1]) {
			l.t.Fatalf("%s, %d minutes in: %d requests and %d tokens, want %v", k.id, k.start/60-epoch0, got.Requests, got.Tokens, u)
		}
	}
	for k, r := range l.seen {
		if u := want[k]; !l.vague[k] && (r.Requests != u[0] || r.Tokens != u[1]) {
			l.t.Fatalf("%+v was never used", r)
		}
	}
	s := l.engine.Stats()
	all := int64(len(l.entries))
	if s.Admitted != all || s.Held+s.Settled+s.Released+s.Expired != all {
		l.t.Fatalf("%d leases: %+v", all, s)
	}
	// A lease may have expired before it was ended, but no other way.
	aged, young := l.ages()
	if s.Settled > ends["settled"] || s.Released > ends["released"] || s.Held > ends["held"] || s.Expired > aged || s.Held < young {
		l.t.Fatalf("%+v of %v, %d past their time, %d held before it", s, ends, aged, young)
	}
}

// ages returns how many leases may have expired, whatever became of them, and
// how many are held and may not.
func (l *ledger) ages() (aged, young int64) {
	for _, e := range l.entries {
		if l.epoch()-e.epoch >= l.ttl {
			aged++
		} else if e.state == "held" {
			young++
		}
	}
	return aged, young
}
