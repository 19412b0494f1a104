package fuzz

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// FuzzPool holds deployments of two pools, one to a group, against the exact rule
// of each pool: whichever deployment is asked for, what the others took counts, and Apply moves
// deployments from pool to pool without changing what is used of either.
func FuzzPool(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(noise(seed, 250))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		limits := of(&s, engine.Limits{TPM: 1000, RPM: 12}, engine.Limits{RPM: 60}, engine.Limits{InputTPM: 700, OutputTPM: 300, RPM: 7})
		shared := newProfiled(&s, limits)
		profile, names := shared.profile, []string{"north", "south"}
		rules := map[string]*profiled{}
		for _, name := range names {
			rules[name] = shared.again(limits)
		}
		in := []string{names[0], names[0], names[1], names[1]} // the pool of each deployment
		v := newVirtual()
		config := func() engine.Config {
			cfg := engine.Config{}
			for i, name := range in {
				p := profile
				p.Pool = name
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{
					ID: fmt.Sprint("d", i), Group: fmt.Sprint("g", i), Limits: limits, Profile: p,
				})
			}
			return cfg
		}
		cfg := config()
		cfg.Clock = v.clock()
		e, err := engine.New(cfg)
		require.NoError(t, err)
		type call struct {
			lease       engine.Lease
			rule        *profiled
			at, in, out int64
			i           int
		}
		var calls []*call
		amount := func() int64 { return of[int64](&s, 0, 1, 7, 50, 200, 400) }
		for s.more() {
			now := v.ns.Load()
			e.AppendStates(nil)
			switch i := s.int(len(in)); s.int(6) {
			case 0, 1, 2:
				p := rules[in[i]]
				q := engine.Demand{InputTokens: amount(), OutputTokens: max(amount(), 1)}
				in, out := p.admitted(q.InputTokens, q.OutputTokens, 0)
				wait, never := p.wait(now, in, out)
				c := &call{rule: p, at: now, in: in, out: out, i: i}
				c.lease, err = group(t, e, fmt.Sprint("g", i)).Acquire(q)
				if err == nil {
					if wait != 0 || never {
						t.Fatalf("%+v, %+v: %+v admitted, which must wait %v (never %v)", profile, limits, q, time.Duration(wait), never)
					}
					p.charge(now, now, in, out, 1, false)
					calls = append(calls, c)
					continue
				}
				le, ok := errors.AsType[*engine.LimitError](err)
				if !ok || le.Never != never {
					t.Fatalf("%+v, %+v: %+v: %v, want never = %v", profile, limits, q, err, never)
				}
				if off := int64(le.RetryAfter) - wait; !never && (off < 0 || off > p.loose()) {
					t.Fatalf("%+v, %+v: %+v: %v, want a wait of %v", profile, limits, q, err, time.Duration(wait))
				}
			case 3:
				if len(calls) == 0 {
					continue
				}
				k := s.int(len(calls))
				c := calls[k]
				calls = append(calls[:k], calls[k+1:]...)
				c.lease.Release()
				c.rule.charge(now, c.at, -c.in, -c.out, -1, false)
			case 4:
				v.add(of(&s, time.Millisecond, 17*time.Millisecond, time.Second, 31*time.Second, 61*time.Second))
			case 5: // leases would settle in the pool that their deployment is in then
				for _, c := range calls {
					if c.i == i {
						c.lease.SettleReserved()
					}
				}
				calls = slices.DeleteFunc(calls, func(c *call) bool { return c.i == i })
				v.ns.Store(now + 1) // in doubt a lease from before an Apply gives nothing back
				in[i] = names[s.int(2)]
				require.NoError(t, e.Apply(config()))
			}
		}
	})
}
