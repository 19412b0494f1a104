package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// deployment is one of the model's.
type deployment struct {
	cfg     engine.Deployment
	present bool // configured
	enabled bool
	gate    gate
	limits  []*limit // its own, or its pool's
	flying  int64
	shared  bool // other nodes use it too
	caution caution
}

// caution is a margin that refusals have taught.
type caution struct{ percent, refused, eased, changed int64 }

const fiveMinutes = 5 * minute

func (c *caution) tick(now int64) {
	for c.percent > 0 && max(c.refused, c.eased)+fiveMinutes <= now {
		c.eased = max(c.refused, c.eased) + fiveMinutes
		c.percent--
	}
}

// refuse takes in a refusal; one within a second of a change is not looked at.
func (c *caution) refuse(sent, now int64) {
	if c.changed != 0 && now-c.changed < int64(time.Second) && now >= c.changed || c.refused != 0 && sent <= c.refused {
		return
	}
	if c.refused != 0 && now-c.refused <= fiveMinutes && c.percent < 10 {
		c.percent++
		c.changed = now
	}
	c.refused = now
}

// caps returns the limits with the margin.
func (d *deployment) caps() engine.Limits {
	l := d.cfg.Limits
	for _, n := range []*int64{&l.RPM, &l.TPM, &l.InputTPM, &l.OutputTPM, &l.RPH, &l.TPH, &l.RPD, &l.TPD} {
		if *n > 0 {
			*n = max(int64(math.Floor(float64(*n)*(1-d.cfg.Margin)+1e-9)), 1)
		}
	}
	return l
}

// inForce returns the caps with what refusals have taught.
func (d *deployment) inForce() engine.Limits {
	l := d.caps()
	for _, n := range []*int64{&l.TPM, &l.InputTPM, &l.OutputTPM} {
		if *n > 0 {
			*n = max(*n*(100-d.caution.percent)/100, 1)
		}
	}
	return l
}

// admitted is what a request counts at admission.
func (d *deployment) admitted(q engine.Demand) amount {
	in, out, most := q.InputTokens, max(q.OutputTokens, 0), q.MaxOutputTokens
	if most != 0 {
		out = min(out, most)
	} else if most = d.cfg.DefaultMaxOutput; most == 0 {
		most = out
	}
	a := amount{requests: 1}
	switch d.cfg.Profile.Admit {
	case provider.AdmitNothing:
	case provider.AdmitInput:
		a.in = in
	case provider.AdmitInputMax:
		a.in, a.out = in, most
	case provider.AdmitLarger:
		a.in, a.out = in, max(most-in, 0)
	case provider.AdmitMaxAsInput:
		a.in = in + most
	case provider.AdmitExpected:
		a.in, a.out = d.weighed(in, out)
	}
	return a
}

func (d *deployment) weighed(in, out int64) (int64, int64) {
	if w := d.cfg.Profile.Weights; w != (provider.Weights{}) {
		return in * int64(w.Input), out * int64(w.Output)
	}
	return in, out
}

// fits says whether a deployment takes a request of a class; leases says that it is
// for a lease, and tokens whether limits on tokens matter.
func (d *deployment) fits(now int64, a amount, class float64, leases, tokens bool) fit {
	if !d.present || !d.enabled || !d.gate.open() && !d.gate.vague {
		return no
	}
	sure := yes
	if d.gate.vague {
		sure = unsure
	}
	caps := d.inForce()
	for _, l := range d.limits {
		n := l.of(a)
		if l.name != engine.LimitRPM && l.name != engine.LimitRPH && l.name != engine.LimitRPD && !tokens {
			continue
		}
		sure = min(sure, l.fits(now, n, share(l.max(caps), class)))
	}
	if most := d.cfg.Limits.MaxInFlight; leases && most != 0 && d.flying >= max(share(most, class), 0) {
		return no
	}
	return sure
}

// never reports whether a deployment can never take a request of a class.
func (d *deployment) never(a amount, class float64) bool {
	if !d.present || !d.enabled {
		return true
	}
	caps := d.caps()
	for _, l := range d.limits {
		if l.of(a) > max(share(l.max(caps), class), 0) {
			return true
		}
	}
	return d.cfg.Limits.MaxInFlight != 0 && share(d.cfg.Limits.MaxInFlight, class) <= 0
}

func (d *deployment) charge(now, at int64, a amount) {
	for _, l := range d.limits {
		l.charge(now, at, l.of(a), false)
	}
}

// configure draws a configuration: deployments a and b of group g, c and d of group
// h; the last two may share a pool. One caller has limits by a rule of its own.
func configure(r *rand.Rand) engine.Config {
	one := func(ns ...int64) int64 { return ns[r.IntN(len(ns))] }
	profile := func() provider.Profile {
		p := provider.Profile{Admit: provider.Admit(r.IntN(6)), CountsRefused: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			return p
		}
		p = provider.Profile{
			Shape:         []provider.Shape{provider.Minute, provider.Minute, provider.Bucket}[r.IntN(3)],
			Admit:         provider.Admit(r.IntN(6)),
			CountsRefused: r.IntN(2) == 0,
		}
		if p.Shape == provider.Minute && r.IntN(2) == 0 {
			p.Phase = 12_345_678_901
		}
		if r.IntN(3) == 0 {
			p.RequestWindow = 10e9
		}
		if r.IntN(3) == 0 {
			p.Weights = provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1, Output: float64(1 + r.IntN(5))}
		}
		if (p.Admit == provider.AdmitInputMax || p.Admit == provider.AdmitLarger) && r.IntN(2) == 0 {
			p.EstimateStands = true
		}
		return p
	}
	limits := func() engine.Limits {
		if r.IntN(3) == 0 { // what the search reads at once, and no more
			return engine.Limits{RPM: one(0, 6, 60), TPM: one(0, 1000, 5000)}
		}
		return engine.Limits{
			RPM: one(0, 6, 60), TPM: one(0, 1000, 5000), InputTPM: one(0, 0, 900), OutputTPM: one(0, 0, 700),
			RPH: one(0, 0, 100), TPH: one(0, 0, 20_000), RPD: one(0, 0, 200), TPD: one(0, 0, 50_000), MaxInFlight: one(0, 0, 2, 5),
		}
	}
	plain := r.IntN(6) == 0
	cfg := engine.Config{PriorityShare: []float64{1, 0.5}}
	for i, id := range []string{"a", "b", "c", "d"} {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{
			ID: id, Group: "g", Limits: limits(), Profile: profile(), Margin: []float64{0, 0, 0.1, 0.25}[r.IntN(4)], DefaultMaxOutput: one(0, 0, 300),
		})
		if i >= 2 {
			cfg.Deployments[i].Group = "h"
		}
	}
	if plain {
		for i := range cfg.Deployments {
			p := &cfg.Deployments[i].Profile
			p.Shape, p.Phase, p.RequestWindow = provider.Minute, 0, 0
		}
	}
	if c, d := &cfg.Deployments[2], &cfg.Deployments[3]; !plain && r.IntN(2) == 0 {
		c.Profile.Pool = "p"
		d.Profile, d.Limits, d.Margin = c.Profile, c.Limits, c.Margin
	}
	by := engine.Caller{ID: "team", Limits: limits(), Profile: profile()}
	by.Profile.Phase, by.Profile.RequestWindow, by.Profile.EstimateStands = 0, 0, false
	if plain {
		by.Profile.Shape = provider.Minute
	}
	cfg.Callers = []engine.Caller{by}
	return cfg
}

func (d *deployment) String() string {
	text := fmt.Sprintf("%+v %+v flying %d", d.cfg, d.gate, d.flying)
	for _, l := range d.limits {
		text += fmt.Sprintf("; %v %v loose %v", l.name, l.used, l.loose)
		if l.bucket != nil {
			text += fmt.Sprintf(" %+v", *l.bucket)
		}
	}
	return text
}
