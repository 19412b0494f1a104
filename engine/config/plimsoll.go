package config

import (
	"math"
	"strconv"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// The keys of the own format. docs/CONFIG.md and docs/config.schema.json
// describe each.
var (
	fileKeys       = []string{"deployments", "aliases", "strategy", "expected_output", "output_quantile", "priority_share", "max_waiters", "lease_ttl", "store", "profiles"}
	deploymentKeys = []string{"id", "group", "model", "rpm", "tpm", "input_tpm", "output_tpm", "rpd", "tpd", "max_in_flight", "margin", "default_max_output", "weight", "order", "tags", "disabled", "provider", "profile", "endpoint"}
)

// maxOrder bounds orders, so that they fit an int everywhere.
const maxOrder = 1_000_000

// readPlimsoll reads the own format.
func readPlimsoll(s section, o Options, out *File) {
	s.unknown(fileKeys...)
	cfg := &out.Engine
	cfg.ExpectedOutput = s.whole("expected_output", 0, engine.MaxCount, "a whole number of tokens")
	cfg.OutputQuantile = s.quantile("output_quantile")
	cfg.PriorityShare = s.shares("priority_share")
	cfg.MaxWaiters = int(s.whole("max_waiters", 0, engine.MaxWaiters, "a whole number"))
	cfg.LeaseTTL = s.duration("lease_ttl", time.Minute, 24*time.Hour)
	if name := s.text("strategy", "the name of a strategy"); name != "" {
		strategy, err := engine.ParseStrategy(name)
		if err != nil {
			s.wrong("strategy", s.table.get("strategy"), "least-utilized, lowest-tpm, power-of-two or weighted")
		}
		cfg.Strategy = strategy
	}
	mode := Profiles(s.oneOf("profiles", profilesNames))
	if o.Profiles != ProfilesUnset {
		mode = o.Profiles
	}
	ids := firsts{}
	for _, d := range s.elements("deployments", "deployments") {
		dep := readDeployment(d)
		name, model := providerOf(d, dep.Model)
		dep.Profile, out.Counting[dep.ID] = readProfile(d, mode, name, model)
		cfg.Deployments = append(cfg.Deployments, dep)
		out.endpoint(dep.ID, readEndpoint(d, name, model))
		id := dep.ID
		ids.check(d, "id", id, d.table.line, "ids are unique; give this deployment another")
	}
	if aliases, ok := s.within("aliases"); ok {
		cfg.Aliases = map[string]string{}
		for _, p := range aliases.table.pairs {
			to := p.value
			if p.key.kind != text || p.key.text == "" {
				s.errorf(p.key.line, "aliases", "an alias is %s; want a text; quote it", p.key.kind)
				continue
			}
			if to.kind != text || to.text == "" {
				aliases.wrong(showName(p.key.text), to, "the name of a group")
				continue
			}
			cfg.Aliases[p.key.text] = to.text
		}
		checkAliases(aliases, cfg)
	}
	if store, ok := s.within("store"); ok {
		out.Store = readStore(store)
	}
}

func readDeployment(s section) engine.Deployment {
	s.unknown(deploymentKeys...)
	d := engine.Deployment{
		ID:    s.name("id", "a unique, stable text"),
		Group: s.name("group", "the name that callers ask for"),
		Model: s.text("model", "the provider's name of the model"),
		Limits: engine.Limits{
			RPM:         s.limit("rpm", s.table.get("rpm")),
			TPM:         s.limit("tpm", s.table.get("tpm")),
			InputTPM:    s.limit("input_tpm", s.table.get("input_tpm")),
			OutputTPM:   s.limit("output_tpm", s.table.get("output_tpm")),
			RPD:         s.limit("rpd", s.table.get("rpd")),
			TPD:         s.limit("tpd", s.table.get("tpd")),
			MaxInFlight: s.limit("max_in_flight", s.table.get("max_in_flight")),
		},
		DefaultMaxOutput: s.whole("default_max_output", 0, engine.MaxCount, "a whole number of tokens"),

		Disabled: s.flag("disabled"),
		Order:    int(s.whole("order", -maxOrder, maxOrder, "a whole number")),
		Tags:     s.texts("tags"),
	}
	if m := s.table.get("margin"); !m.absent() {
		d.Margin = s.numeric(m).number()
		if !(d.Margin >= 0 && d.Margin < 1) {
			s.wrong("margin", m, "the share of the limits to leave unused: a number from 0 up to, but not including, 1, such as 0.01")
			d.Margin = 0
		}
	}
	if w := s.table.get("weight"); !w.absent() {
		d.Weight = s.numeric(w).number()
		if !(d.Weight > 0) || math.IsInf(d.Weight, 0) {
			s.wrong("weight", w, "a number above 0; disabled: true takes a deployment out")
			d.Weight = 0
		}
	}
	return d
}

// quantile returns a quantile as the engine takes it; 0 if there is none.
func (s section) quantile(key string) float64 {
	v := s.table.get(key)
	if v.absent() {
		return 0
	}
	q := s.numeric(v).number()
	if !(q >= 0.5 && q <= 0.99) {
		s.wrong(key, v, "a number from 0.5 to 0.99; without one the mean is expected")
		return 0
	}
	return q
}

// shares returns what each priority class may have; nil if there are none.
func (s section) shares(key string) []float64 {
	v := s.table.get(key)
	const want = "a list of shares of the limits, class by class: 1 first, none above the one before, such as [1, 0.8]"
	switch {
	case v.absent():
		return nil
	case v.kind != list || len(v.items) > engine.MaxClasses:
		s.wrong(key, v, want+", at most "+strconv.Itoa(engine.MaxClasses)+" of them")
		return nil
	}
	shares := make([]float64, 0, len(v.items))
	last := 1.0
	for i, item := range v.items {
		share := s.numeric(item).number()
		if !(share > 0 && share <= last) || i == 0 && share != 1 {
			s.wrong(key+"["+strconv.Itoa(i)+"]", item, want)
			return nil
		}
		last = share
		shares = append(shares, share)
	}
	return shares
}

// firsts remembers on which line a name was first used.
type firsts map[string]int

// check reports a name that was used before.
func (f firsts) check(s section, key, name string, line int, advice string) {
	if name == "" {
		return
	}
	if v := s.table.get(key); v != nil {
		line = v.line
	}
	if first, ok := f[name]; ok {
		s.errorf(line, s.path+key, "%s is the id of the deployment on line %d already; %s", s.secrets.quote(name), first, advice)
		return
	}
	f[name] = line
}

// maxAliasSteps is how many aliases may follow each other.
const maxAliasSteps = 100

// checkAliases reports aliases that lead to no group. In a LiteLLM file they are
// left out: LiteLLM starts with them, and refuses the requests.
func checkAliases(s section, cfg *engine.Config) {
	groups := map[string]bool{}
	for _, d := range cfg.Deployments {
		groups[d.Group] = true
	}
	var dead []string
	for _, p := range s.table.pairs {
		name := p.key.text
		if _, ok := cfg.Aliases[name]; !ok || p.key.kind != text {
			continue
		}
		if groups[name] {
			s.errorf(p.key.line, s.path+showName(name), "is the name of a group already; choose another alias")
			continue
		}
		if problem := s.follow(name, cfg.Aliases, groups); problem == "" {
			continue
		} else if s.loose {
			s.warnf(p.value.line, s.path+showName(name), "%s; it is left out", problem)
		} else {
			s.errorf(p.value.line, s.path+showName(name), "%s; let it end at a group", problem)
		}
		dead = append(dead, name)
	}
	for _, name := range dead {
		delete(cfg.Aliases, name)
	}
}

// follow says why an alias leads to no group; "" if it leads to one.
func (s section) follow(name string, aliases map[string]string, groups map[string]bool) string {
	at := name
	for range maxAliasSteps {
		to, ok := aliases[at]
		if !ok {
			return "leads to " + s.secrets.quote(at) + ", which is neither a group nor an alias"
		}
		if groups[to] {
			return ""
		}
		at = to
	}
	return "leads from alias to alias for more than " + strconv.Itoa(maxAliasSteps) + " steps"
}
