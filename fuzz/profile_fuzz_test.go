package fuzz

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// An exact is one limit by the provider's own rule, with nothing rounded.
type exact interface {
	Wait(now, n int64) (wait int64, never bool)
	// charge counts n of a request admitted at an instant; held: what is negative the
	// provider itself has reserved.
	charge(now, at, n int64, held bool)
}

// An exactBucket remembers its charges: what a call cost less than its reservation
// it cost less from the beginning, unless its provider has reserved it. The engine knows that for each of the last
// 2 seconds, or for 34 seconds of older calls, and may give back less by so much. If the provider
// has given a reservation back near the call's admission and after it, the engine may give back nothing.
type exactBucket struct {
	rule.Ledger
	loose    int64 // ns of refill that the engine may be behind
	returned []int64
}

func (b *exactBucket) charge(now, at, n int64, held bool) {
	switch {
	case n > 0:
		b.Add(now, n)
		return
	case held:
		b.Return(now, -n)
		b.returned = append(b.returned, now)
		return
	}
	b.Add(at, n)
	age, slot := now-at, int64(1<<31)
	if age >= 15<<31 {
		slot = 1 << 35
	}
	switch {
	case slices.ContainsFunc(b.returned, func(r int64) bool { return at <= r && r < at+slot }):
		b.loose += -n * minute / b.Limit
	case age < 15<<31:
		b.loose += min(age, 1<<31)
	case age < 15<<35:
		b.loose += 1 << 35
	default:
		b.loose += -n * minute / b.Limit
	}
}

// An exactWindow keeps what each window has taken. What a call cost beyond its
// reservation counts in the window of its admission, in the current one if that
// is long past; less counts only where the window is still there.
type exactWindow struct {
	limit, phase, length int64
	used                 map[int64]int64
}

func (w *exactWindow) Wait(now, n int64) (wait int64, never bool) {
	i := (now - w.phase) / w.length
	switch {
	case n > w.limit:
		return 0, true
	case w.used[i]+n <= w.limit:
		return 0, false
	}
	return (i+1)*w.length + w.phase - now, false
}

func (w *exactWindow) charge(now, at, n int64, _ bool) {
	i, present := (at-w.phase)/w.length, (now-w.phase)/w.length
	if n > 0 && i < present-1 {
		i = present
	}
	w.used[i] = max(w.used[i]+n, 0)
}

// A profiled is a deployment with a profile, and its exact rules.
type profiled struct {
	profile provider.Profile
	tokens  exact
	input   exact
	output  exact
	request []exact
}

func newProfiled(s *script, l engine.Limits) *profiled {
	p := &profiled{profile: provider.Profile{
		Shape:         of(s, provider.Minute, provider.Bucket),
		Admit:         of(s, provider.AdmitExpected, provider.AdmitNothing, provider.AdmitInput, provider.AdmitInputMax, provider.AdmitLarger, provider.AdmitMaxAsInput),
		RequestWindow: of(s, 0, time.Second, 10*time.Second, 20*time.Second),
	}}
	if s.int(2) == 1 {
		p.profile.Weights = provider.Weights{Input: 1, CacheWrite: 2, Output: float64(of[int64](s, 0, 1, 5))}
	}
	if p.profile.Shape == provider.Minute {
		p.profile.Phase = of(s, 0, 25*time.Second, 59*time.Second, 12_345*time.Millisecond)
	}
	return p.again(l)
}

// again returns the same profile with nothing used.
func (p *profiled) again(l engine.Limits) *profiled {
	p = &profiled{profile: p.profile}
	limit := func(n int64) exact {
		if p.profile.Shape == provider.Bucket {
			return &exactBucket{Ledger: rule.Ledger{Limit: n}}
		}
		return &exactWindow{limit: n, phase: int64(p.profile.Phase), length: minute, used: map[int64]int64{}}
	}
	if l.TPM != 0 {
		p.tokens = limit(l.TPM)
	}
	if l.InputTPM != 0 {
		p.input = limit(l.InputTPM)
	}
	if l.OutputTPM != 0 {
		p.output = limit(l.OutputTPM)
	}
	if l.RPM != 0 {
		p.request = append(p.request, limit(l.RPM))
		if span := int64(p.profile.RequestWindow); span != 0 {
			p.request = append(p.request, &exactWindow{
				limit: max(l.RPM*span/minute, 1), phase: int64(p.profile.Phase), length: span, used: map[int64]int64{},
			})
		}
	}
	return p
}

// admitted is what the provider counts at admission.
func (p *profiled) admitted(in, out, most int64) (i, o int64) {
	if most == 0 {
		most = out
	}
	switch p.profile.Admit {
	case provider.AdmitNothing:
		return 0, 0
	case provider.AdmitInput:
		return in, 0
	case provider.AdmitInputMax:
		return in, most
	case provider.AdmitLarger:
		return in, max(most-in, 0)
	case provider.AdmitMaxAsInput:
		return in + most, 0
	case provider.AdmitExpected:
	}
	return p.used(in, 0, 0, out)
}

func (p *profiled) used(in, cached, written, out int64) (i, o int64) {
	w := p.profile.Weights
	if w == (provider.Weights{}) {
		return in, out
	}
	return (in - cached - written) + 2*written, out * int64(w.Output)
}

// wait is how long a request must wait by all rules.
func (p *profiled) wait(now, in, out int64) (wait int64, never bool) {
	ask := func(e exact, n int64) {
		if e != nil {
			w, no := e.Wait(now, n)
			wait, never = max(wait, w), never || no
		}
	}
	ask(p.tokens, in+out)
	ask(p.input, in)
	ask(p.output, out)
	for _, r := range p.request {
		ask(r, 1)
	}
	return wait, never
}

// loose is by how much more than that the engine may have a request wait.
func (p *profiled) loose() (ns int64) {
	for _, e := range append(p.request, p.tokens, p.input, p.output) {
		if b, ok := e.(*exactBucket); ok {
			ns = max(ns, b.loose)
		}
	}
	return ns + 1000
}

// charge counts what a request costs; settled says that it replaces its reservation.
func (p *profiled) charge(now, at, in, out, requests int64, settled bool) {
	held := settled && p.profile.Admit >= provider.AdmitInputMax
	add := func(e exact, n int64) {
		if e != nil && n != 0 {
			e.charge(now, at, n, held)
		}
	}
	add(p.tokens, in+out)
	add(p.input, in)
	add(p.output, out)
	for _, r := range p.request {
		add(r, requests)
	}
}

// FuzzProfile holds an engine of one deployment against its provider's exact
// rule: it never admits what the rule refuses, and what it refuses the rule does
// too, except for a microsecond's worth of rounding and what a bucket does not give
// back.
func FuzzProfile(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(noise(seed, 250))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		limits := of(&s, engine.Limits{TPM: 1000, RPM: 12}, engine.Limits{RPM: 60}, engine.Limits{TPM: 49_999},
			engine.Limits{InputTPM: 700, OutputTPM: 300, RPM: 7}, engine.Limits{TPM: 900, InputTPM: 600, RPM: 2})
		p := newProfiled(&s, limits)
		v := newVirtual()
		e, err := engine.New(engine.Config{Clock: v.clock(), Deployments: []engine.Deployment{
			{ID: "a", Group: "g", Limits: limits, Profile: p.profile},
		}})
		require.NoError(t, err)
		g, r := group(t, e, "g"), ref(t, e, "a")
		type call struct {
			lease       engine.Lease
			at, in, out int64
		}
		var calls []*call
		amount := func() int64 { return of[int64](&s, 0, 1, 7, 50, 200, 400, 20_000) }
		for s.more() {
			now := v.ns.Load()
			e.AppendStates(nil) // the current minute is the one last looked at
			switch s.int(6) {
			case 0, 1:
				q := engine.Demand{InputTokens: amount(), OutputTokens: max(amount(), 1), MaxOutputTokens: of[int64](&s, 0, 100, 500)}
				expected := q.OutputTokens
				if q.MaxOutputTokens != 0 {
					expected = min(expected, q.MaxOutputTokens)
				}
				in, out := p.admitted(q.InputTokens, expected, q.MaxOutputTokens)
				wait, never := p.wait(now, in, out)
				c := &call{at: now, in: in, out: out}
				c.lease, err = g.Acquire(q)
				if err == nil {
					if wait != 0 || never {
						t.Fatalf("%+v, %+v: %+v admitted, which must wait %v (never %v)", p.profile, limits, q, time.Duration(wait), never)
					}
					if c.lease.Reserved() != in+out {
						t.Fatalf("%+v: %+v reserved %d, want %d + %d", p.profile, q, c.lease.Reserved(), in, out)
					}
					p.charge(now, now, in, out, 1, false)
					calls = append(calls, c)
					continue
				}
				le, ok := errors.AsType[*engine.LimitError](err)
				if !ok || le.Never != never {
					t.Fatalf("%+v, %+v: %+v: %v, want never = %v", p.profile, limits, q, err, never)
				}
				if off := int64(le.RetryAfter) - wait; !never && (off < 0 || off > p.loose()) {
					t.Fatalf("%+v, %+v: %+v: %v, want a wait of %v", p.profile, limits, q, err, time.Duration(wait))
				}
			case 2, 3:
				if len(calls) == 0 {
					continue
				}
				i := s.int(len(calls))
				c := calls[i]
				calls = append(calls[:i], calls[i+1:]...)
				if s.int(3) == 0 {
					c.lease.Release()
					p.charge(now, c.at, -c.in, -c.out, -1, false)
					continue
				}
				u := engine.Usage{InputTokens: amount(), OutputTokens: amount()}
				u.CachedInputTokens = u.InputTokens / 2
				u.CacheWriteTokens = u.InputTokens / 4
				c.lease.Settle(u)
				in, out := p.used(u.InputTokens, u.CachedInputTokens, u.CacheWriteTokens, u.OutputTokens)
				p.charge(now, c.at, in-c.in, out-c.out, 0, true)
			case 4:
				u := engine.Usage{InputTokens: amount() / 4, OutputTokens: amount() / 4}
				r.Record(u)
				in, out := p.used(u.InputTokens, 0, 0, u.OutputTokens)
				p.charge(now, now, in, out, 0, false)
			case 5:
				v.add(of(&s, time.Millisecond, 17*time.Millisecond, 400*time.Millisecond, time.Second, 5*time.Second, 31*time.Second, 61*time.Second))
			}
		}
	})
}
