package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// maxAliasSteps is how many aliases may follow each other.
const maxAliasSteps = 100

// Validate returns every problem of the configuration, joined by [errors.Join]. Each names its
// field and the values that are allowed. Nil means that New accepts the configuration.
func (c Config) Validate() error {
	var p problems
	switch n := len(c.Deployments); {
	case n == 0:
		p.addf("Deployments: is empty; at least one is needed")
	case n > MaxDeployments:
		p.addf("Deployments: %d of them; at most %d are supported", n, MaxDeployments)
	}
	if !c.Strategy.known() {
		p.addf("Strategy: %d is unknown; use the constant for %s", c.Strategy, StrategyNames())
	}
	if c.ExpectedOutput < 0 || c.ExpectedOutput > MaxCount {
		p.addf("ExpectedOutput: is %d; use 0 for the default of %d, or up to %d tokens", c.ExpectedOutput, defaultOutput, MaxCount)
	}
	if q := c.OutputQuantile; q != 0 && !(q >= 0.5 && q <= 0.99) {
		p.addf("OutputQuantile: is %v; use 0 for the mean, or from 0.5 to 0.99", q)
	}
	if t := c.LeaseTTL; t != 0 && (t < time.Minute || t > 24*time.Hour) {
		p.addf("LeaseTTL: is %v; use 0 for the default of %v, or from 1m to 24h", t, defaultTTL)
	}
	c.validateClasses(&p)
	if c.MaxWaiters < 0 || c.MaxWaiters > MaxWaiters {
		p.addf("MaxWaiters: is %d; use 0 for the default of %d, or from 1 to %d", c.MaxWaiters, defaultWaiters, MaxWaiters)
	}
	first := make(map[string]int, min(len(c.Deployments), 2*MaxDeployments))
	for i := range c.Deployments {
		d := &c.Deployments[i]
		at := place{"Deployments", i}
		p.unique(first, d.ID, at)
		d.validate(&p, at)
	}
	c.validateCallers(&p)
	c.validatePools(&p)
	c.validateAliases(&p)
	return p.err()
}

func (c *Config) validateClasses(p *problems) {
	if len(c.PriorityShare) > MaxClasses {
		p.addf("PriorityShare: %d classes; at most %d are supported", len(c.PriorityShare), MaxClasses)
	}
	for i, s := range c.PriorityShare {
		switch {
		case i == 0 && s != 1:
			p.addf("PriorityShare[0]: is %v; class 0 has all, so it must be 1: lower the limits instead", s)
		case !(s > 0 && s <= 1):
			p.addf("PriorityShare[%d]: is %v; use a share above 0, up to 1", i, s)
		case i > 0 && s > c.PriorityShare[i-1]:
			p.addf("PriorityShare[%d]: is %v, above the share of the class before, %v; the first class is the most important", i, s, c.PriorityShare[i-1])
		}
	}
}

func (d *Deployment) validate(p *problems, at place) {
	if d.ID == "" {
		p.addf("%s.ID: is empty; give the deployment a unique, stable name", at)
	}
	if strings.HasPrefix(d.ID, window.CallerPrefix) || strings.HasPrefix(d.ID, window.PoolPrefix) || strings.HasPrefix(d.ID, window.LimitPrefix) {
		p.addf("%s.ID: %q begins as the shared IDs of callers, pools or limits do; choose another", at, d.ID)
	}
	if d.Group == "" {
		p.addf("%s.Group: is empty; name the group that callers ask for", at)
	}
	if w := d.Weight; math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
		p.addf("%s.Weight: is %v; use 0 for the default of 1, or a finite number above 0", at, w)
	}
	if m := d.Margin; !(m >= 0 && m < 1) {
		p.addf("%s.Margin: is %v; use 0 for none, or a share of the limits below 1, such as 0.01", at, m)
	}
	if n := d.DefaultMaxOutput; n < 0 || n > MaxCount {
		p.addf("%s.DefaultMaxOutput: is %d; use 0 if it is unknown, or from 1 to %d tokens", at, n, MaxCount)
	}
	if d.Failures < 0 || d.Failures > MaxFailures {
		p.addf("%s.Failures: is %d; use 0 for the default, or from 1 to %d", at, d.Failures, MaxFailures)
	}
	if d.Cooldown < 0 || d.Cooldown > MaxCooldown {
		p.addf("%s.Cooldown: is %v; use 0 for the default of 1s to 30s, or up to %v", at, d.Cooldown, MaxCooldown)
	}
	d.Limits.validate(p, at)
	validateProfile(p, at, &d.Profile)
	for i, t := range d.Tags {
		if t == "" {
			p.addf("%s.Tags[%d]: is empty; leave it out", at, i)
		}
	}
}

func (l *Limits) validate(p *problems, at place) {
	for k := range provider.AllLimits() {
		if n := *l.Of(k); n < Blocked || n > MaxCount {
			p.addf("%s.Limits.%s: is %d; use 0 for unlimited, engine.Blocked (-1) for none, or from 1 to %d", at, k.Field(), n, MaxCount)
		}
	}
}

func validateProfile(p *problems, at place, profile *provider.Profile) {
	if err := profile.Validate(); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			p.addf("%s.Profile.%s", at, line)
		}
	}
}

func (c *Config) validateCallers(p *problems) {
	if n := len(c.Callers); n > MaxCallers {
		p.addf("Callers: %d of them; at most %d are supported", n, MaxCallers)
	}
	first := make(map[string]int, min(len(c.Callers), 2*MaxCallers))
	for i := range c.Callers {
		at := place{"Callers", i}
		p.unique(first, c.Callers[i].ID, at)
		c.Callers[i].validate(p, at)
	}
}

func (c *Config) validateAliases(p *problems) {
	if len(c.Aliases) == 0 {
		return
	}
	groups := map[string]bool{}
	for i := range c.Deployments {
		groups[c.Deployments[i].Group] = true
	}
	wild := patternsOf(groups)
	for _, name := range slices.Sorted(maps.Keys(c.Aliases)) {
		switch {
		case name == "":
			p.addf("Aliases: an alias of %q is empty; name it or leave it out", c.Aliases[name])
		case groups[name]:
			p.addf("Aliases[%q]: is the name of a group already; choose another", name)
		default:
			if _, _, err := c.resolve(name, groups, wild); err != nil {
				p.addf("Aliases[%q]: %w", name, err)
			}
		}
	}
}

// resolve follows an alias to its group. If the group has an asterisk in its name, it also
// returns the name that fits it.
func (c *Config) resolve(alias string, groups map[string]bool, wild patterns) (group, name string, err error) {
	at := alias
	for range maxAliasSteps {
		to, ok := c.Aliases[at]
		if !ok {
			if group = wild.fit(at); group != "" {
				return group, at, nil
			}
			return "", "", fmt.Errorf("%q is neither a group nor an alias, and fits no group with an asterisk", at)
		}
		if groups[to] {
			return to, "", nil
		}
		at = to
	}
	return "", "", fmt.Errorf("the alias leads back to itself, or on for more than %d steps, by way of %q; let it end at a group", maxAliasSteps, at)
}

func (c *Caller) validate(p *problems, at place) {
	if c.ID == "" {
		p.addf("%s.ID: is empty; give the caller a unique, stable name", at)
	}
	c.Limits.validate(p, at)
	validateProfile(p, at, &c.Profile)
	if c.Profile.Pool != "" {
		p.addf("%s.Profile.Pool: is %q; a caller's limits are its own: leave it empty", at, c.Profile.Pool)
	}
	if c.Profile.LearnShape {
		p.addf("%s.Profile.LearnShape: is true; no provider reports how a caller counts: leave it false", at)
	}
	if c.Profile.LearnPhase {
		p.addf("%s.Profile.LearnPhase: is true; no provider reports a caller's minutes: leave it false", at)
	}
	if i := slices.Index(c.Groups, ""); i >= 0 {
		p.addf("%s.Groups[%d]: is empty; name a group, or use * for all", at, i)
	}
}
