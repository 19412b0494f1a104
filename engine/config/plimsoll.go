package config

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// The keys of the own format. docs/CONFIG.md and docs/config.schema.json
// describe each.
var (
	fileKeys       = []string{"deployments", "aliases", "strategy", "expected_output", "output_quantile", "priority_share", "max_waiters", "lease_ttl", "store", "profiles", "fallbacks", "context_fallbacks", "max_attempts", "request_tags"}
	deploymentKeys = slices.Concat([]string{"id", "group", "model"}, limitKeys(), []string{"margin", "default_max_output", "weight", "order", "tags", "disabled", "provider", "profile", "endpoint", "mode", "store_id", "sync", "pool", "failures", "cooldown"})
)

// maxOrder bounds orders, so that they fit an int everywhere.
const maxOrder = 1_000_000

// maxNested is how deep in another file a configuration is looked for.
const maxNested = 8

// nested returns where in another file, such as a ConfigMap or the values of a chart, a
// configuration stands; "" if none does.
func (v *value) nested(deep int) (at string, line int) {
	for _, p := range v.pairs {
		switch key := p.key.text; {
		case p.key.kind != text || deep == 0:
			continue
		case p.value.get(modelList) != nil, p.value.get("deployments") != nil && p.value.get("deployments").kind == list:
			return showName(key), p.key.line
		case p.value.kind == text && (strings.HasPrefix(p.value.text, modelList+":") || strings.Contains(p.value.text, "\n"+modelList+":")):
			return showName(key), p.key.line
		}
		if below, line := p.value.nested(deep - 1); below != "" {
			return showName(p.key.text) + "." + below, line
		}
	}
	return "", 0
}

// readPlimsoll reads the own format.
func readPlimsoll(s section, o Options, out *File) {
	s.unknown(append(slices.Clone(fileKeys), modelList)...)
	if at, line := s.table.nested(maxNested); at != "" && s.table.get("deployments").absent() {
		s.errorf(line, at, "is a configuration inside another file; plimsoll reads one that stands alone: write this part to a file of its own")
		return
	}
	cfg := &out.Engine
	cfg.ExpectedOutput = s.whole("expected_output", 0, engine.MaxCount, "a whole number of tokens")
	cfg.OutputQuantile = s.quantile("output_quantile")
	cfg.PriorityShare = s.shares("priority_share")
	cfg.MaxWaiters = int(s.whole("max_waiters", 0, engine.MaxWaiters, "a whole number"))
	cfg.LeaseTTL = s.duration("lease_ttl", time.Minute, 24*time.Hour)
	if name := s.text("strategy", "the name of a strategy"); name != "" {
		strategy, err := engine.ParseStrategy(name)
		if err != nil {
			s.wrong("strategy", s.table.get("strategy"), engine.StrategyNames())
		}
		cfg.Strategy = strategy
	}
	mode := Profiles(s.oneOf("profiles", profilesNames))
	if o.Profiles != ProfilesUnset {
		mode = o.Profiles
	}
	ids, shared := firsts{}, firsts{}
	for _, d := range s.elements("deployments", "deployments") {
		dep := readDeployment(d)
		name, model := providerOf(d, dep.Model)
		ep := readEndpoint(d, name, model)
		what := model
		if ep != nil && ep.BaseModel != "" {
			what = baseModel(ep.BaseModel)
		}
		dep.Profile, out.Counting[dep.ID] = readProfile(d, mode, name, what)
		d.pool(&dep.Profile)
		cfg.Deployments = append(cfg.Deployments, dep)
		out.endpoint(dep.ID, ep)
		if m := d.text("mode", "what calls it serves, such as embedding"); m != "" {
			out.Modes[dep.ID] = m
		}
		out.storeID(d, dep.ID, ids, shared)
		if sync := readSync(d); sync.All != "" || sync.Limits != nil {
			out.Sync[dep.ID] = sync
		}
		id := dep.ID
		ids.check(d, "id", id, d.table.line, "ids are unique; give this deployment another")
	}
	if aliases, ok := s.within("aliases"); ok {
		cfg.Aliases = map[string]string{}
		for _, p := range aliases.table.pairs {
			to := out.hiddenAlias(aliases, p)
			if p.key.kind != text || p.key.text == "" {
				s.errorf(p.key.line, "aliases", "an alias is %s; want a text; quote it", p.key.kind)
				continue
			}
			if to.kind != text || to.text == "" {
				aliases.wrong(showName(p.key.text), to, "the name of a group, or a mapping with group and hidden")
				continue
			}
			cfg.Aliases[p.key.text] = to.text
		}
		checkAliases(aliases, cfg)
	}
	out.Routing = readRouting(s)
	if store, ok := s.within("store"); ok {
		out.Store = readStore(store)
		out.checkSync(s)
	}
}

// limitKeys are the keys of a deployment's limits.
func limitKeys() (keys []string) {
	for l := range provider.AllLimits() {
		keys = append(keys, l.Key())
	}
	return keys
}

func readDeployment(s section) engine.Deployment {
	s.unknown(deploymentKeys...)
	s.secrets.addName(s.table.get("id"))
	s.secrets.addName(s.table.get("group"))
	d := engine.Deployment{
		ID:               s.name("id", "a unique, stable text"),
		Group:            s.name("group", "the name that callers ask for"),
		Model:            s.modelName(),
		DefaultMaxOutput: s.whole("default_max_output", 0, engine.MaxCount, "a whole number of tokens"),

		Failures: int(s.whole("failures", 1, engine.MaxFailures, "a whole number")),
		Cooldown: s.duration("cooldown", shortestTimeout, engine.MaxCooldown),

		Disabled: s.flag("disabled"),
		Order:    int(s.whole("order", -maxOrder, maxOrder, "a whole number")),
		Tags:     s.texts("tags"),
	}
	for l := range provider.AllLimits() {
		*d.Limits.Of(l) = s.limit(l.Key(), s.table.get(l.Key()))
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

// modelName returns the provider's name of the model; "" if there is none. One that
// stands in a variable without a value is the variable's name, and a warning: the
// deployment cannot be called.
func (s section) modelName() string {
	if v := s.table.get("model"); v != nil && v.unset {
		s.warnf(v.line, s.path+"model", "the environment variable %s is not set: the deployment has no endpoint until it is", showName(v.env))
		return envPrefix + v.env
	}
	return s.text("model", "the provider's name of the model")
}

// hiddenAlias returns what an alias leads to: a group or an alias, or the group of a
// mapping that may hide it.
func (f *File) hiddenAlias(aliases section, p pair) *value {
	if p.value.kind != table {
		return p.value
	}
	s := aliases.over(p.value, aliases.path+showName(p.key.text)+".")
	s.unknown("group", "hidden")
	if s.flag("hidden") {
		if f.Hidden == nil {
			f.Hidden = map[string]bool{}
		}
		f.Hidden[p.key.text] = true
	}
	if to := s.table.get("group"); to != nil {
		return to
	}
	return p.value
}

// storeID gives a deployment of the own format the id by which a store knows it, which
// no other deployment may have.
func (f *File) storeID(d section, id string, ids, taken firsts) {
	shared := d.text("store_id", "the id under which nodes share its usage")
	if shared != "" && shared != id {
		if f.Identities == nil {
			f.Identities = map[string]Identity{}
		}
		f.Identities[id] = Identity{Named: true, Stable: shared, Generated: id}
	}
	name := cmp.Or(shared, id)
	_, twice := ids[id]
	if first, ok := taken[name]; ok && !twice && name != "" {
		d.errorf(d.table.line, d.path+"store_id", "the store knows the deployment on line %d by the id %s already; usage of both would be one", first, d.secrets.quote(name))
	}
	taken[name] = d.table.line
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
			if fitsAny(at, maps.Keys(groups)) {
				return ""
			}
			return "leads to " + s.secrets.quote(at) + ", which is neither a group nor an alias"
		}
		if groups[to] {
			return ""
		}
		at = to
	}
	return "leads from alias to alias for more than " + strconv.Itoa(maxAliasSteps) + " steps"
}

// fitsAny reports whether a name fits a group with an asterisk in its name.
func fitsAny(name string, groups iter.Seq[string]) bool {
	for group := range groups {
		if _, ok := engine.Wildcard(group, name); ok {
			return true
		}
	}
	return false
}
