package config

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// modelList is the key by which a LiteLLM file is known.
const modelList = "model_list"

// sections are the other keys by which it is known, where it has no deployments of the own
// format: the deployments may stand in files that it includes.
var sections = []string{"include", "router_settings", "litellm_settings", "general_settings"}

// ofLiteLLM reports whether a file with these keys is LiteLLM's.
func ofLiteLLM(keys []string) bool {
	has := func(key string) bool { return slices.Contains(keys, key) }
	return has(modelList) || !has("deployments") && slices.ContainsFunc(sections, has)
}

// liteLLM reads a LiteLLM file.
type liteLLM struct {
	section
	options   Options
	entries   []*entry
	near      map[string]string   // what keys of litellm_params look like
	errored   bool                // of too many of them
	hashed    int                 // bytes that went into generated ids
	unset     map[string]*mention // variables without a value, among those
	names     []string            // of unset, in order
	reasons   map[string]*mention // why entries have no endpoint
	whys      []string            // of reasons, in order
	left      map[int]*mention    // what serve does not do, by the place in settings
	leftOrder []int
	hidden    map[string]bool // aliases
	lists     []section       // that have deployments: this file, and those that it includes
	everyone  section         // default_litellm_params; no table = none
	general   Timeouts        // of all entries
	passed    map[*value]bool // what cannot be used and was reported
}

// mention is where something first occurs, and how often it does.
type mention struct {
	line, times int
	at          string // its key
}

// readLiteLLM reads a LiteLLM configuration as it is. docs/LITELLM.md says what
// is read and where this differs from what LiteLLM does.
func readLiteLLM(s section, o Options, out *File) {
	s.loose = true
	r := &liteLLM{section: s, near: map[string]string{}, options: o, unset: map[string]*mention{}, reasons: map[string]*mention{}, left: map[int]*mention{}, hidden: map[string]bool{}, passed: map[*value]bool{}}
	r.lists = []section{s}
	for _, other := range r.includes(out) {
		defer s.absorb(other)
	}
	r.unknown(keysOf(inFile)...)
	r.undone(inFile, s)
	general, ok := s.within("general_settings")
	if ok {
		r.undone(inGeneral, general)
	}
	out.MasterKey = r.masterKey(general)
	if settings, ok := s.within("litellm_settings"); ok {
		r.undone(inLiteLLM, settings)
	}
	r.deployments()
	cfg := &out.Engine
	router, ok := s.within("router_settings")
	if !ok {
		router = s.over(&value{kind: table, line: s.table.line}, "router_settings.")
	}
	var known bool
	cfg.Strategy, known = r.strategy(router)
	router.unknown(keysOf(inRouter)...)
	r.undone(inRouter, router)
	if every, ok := router.within("default_litellm_params"); ok {
		r.everyone = every
	}
	r.defaultInFlight(router)
	r.warnUnresolved(router) // before what each entry may be warned of: only so many warnings are listed
	r.readTimeouts(router)
	out.Routing = r.routing(router)
	r.cooldowns(router)
	r.tiers()
	switch {
	case !known:
	case cfg.Strategy.UsesWeights():
		r.shuffleWeights()
	case cfg.Strategy == engine.LowestTPM:
		r.ignoredWeights()
	}
	for _, e := range r.entries {
		p := r.provided(e)
		how := Counting{Provider: p.preset()}
		e.Profile, how.Preset = o.Profiles.given(how.Provider, cmp.Or(e.base, p.model))
		e.Profile.Pool = e.pool
		out.Counting[e.ID] = how
		if e.mode != "" {
			out.Modes[e.ID] = e.mode
		}
		e.DefaultMaxOutput = r.defaultMaxOutput(e)
		cfg.Deployments = append(cfg.Deployments, e.Deployment)
		ep := r.endpoint(e, p)
		if ep != nil {
			r.defaults(e, p, ep)
		}
		out.endpoint(e.ID, ep)
	}
	out.Identities = r.identities()
	r.reportUnserved()
	r.reportUndone()
	r.proposePools()
	r.aliases(router, cfg)
	out.Hidden = r.hidden
	out.Store = r.store(router)
	if args, ok := router.within("routing_strategy_args"); ok {
		out.Store.TTL = time.Duration(args.whole("ttl", 1, 24*60*60, "a whole number of seconds")) * time.Second
	}
	r.warnUnset()
	if o.read != nil {
		o.read(r)
	}
}

// strategy maps routing_strategy; known is false for one that plimsoll has not.
func (r *liteLLM) strategy(router section) (s engine.Strategy, known bool) {
	const byWeight = "the strategy is simple-shuffle%s: LiteLLM treats rpm and tpm as weights there and enforces neither; plimsoll draws by the same weights, and enforces both as limits"
	v := router.table.get("routing_strategy")
	switch name := router.text("routing_strategy", "the name of a strategy"); name {
	case "usage-based-routing-v2":
		return engine.LowestTPM, true
	case "simple-shuffle":
		if r.limited() {
			r.warnf(v.line, "router_settings.routing_strategy", byWeight, "")
		}
	case "":
		if !v.absent() {
			return 0, false // no text, which was reported
		}
		if r.limited() {
			r.warnf(0, "router_settings.routing_strategy", byWeight, ", LiteLLM's default")
		}
	case engine.LeastBusy.String(): // the one name that both have
		return engine.LeastBusy, true
	default:
		const other = "%s is no strategy of plimsoll's; deployments are ranked by %s, the smallest share of a limit used"
		if r.options.Strict {
			r.errorf(v.line, "router_settings.routing_strategy", other+". Without --strict that is a warning", r.secrets.quote(name), engine.LeastUtilized)
		}
		r.warnf(v.line, "router_settings.routing_strategy", other, r.secrets.quote(name), engine.LeastUtilized)
		return engine.LeastUtilized, true
	}
	return engine.Weighted, true
}

// limited reports whether any deployment has a limit on requests or tokens.
func (r *liteLLM) limited() bool {
	for _, e := range r.entries {
		if l := e.Limits; l.RPM != 0 || l.TPM != 0 || l.InputTPM != 0 || l.OutputTPM != 0 {
			return true
		}
	}
	return false
}

// defaultInFlight applies default_max_parallel_requests where LiteLLM does: to
// deployments without a limit of any kind.
func (r *liteLLM) defaultInFlight(router section) {
	const key = "default_max_parallel_requests"
	most := router.limit(key, router.table.get(key))
	for _, e := range r.entries {
		if e.Limits == (engine.Limits{}) {
			e.Limits.MaxInFlight = most
		}
	}
}

// tiers gives deployments without an order the last one of their group: LiteLLM
// looks at them when none with an order is left.
func (r *liteLLM) tiers() {
	highest := map[string]int{}
	for _, e := range r.entries {
		if most, ok := highest[e.Group]; e.ordered && (!ok || e.Order > most) {
			highest[e.Group] = e.Order
		}
	}
	for _, e := range r.entries {
		if most, ok := highest[e.Group]; ok && !e.ordered {
			e.Order = most + 1
		}
	}
}

// aliases reads model_group_alias: alias to group, or to a mapping with the
// group under model.
func (r *liteLLM) aliases(router section, cfg *engine.Config) {
	s, ok := router.within("model_group_alias")
	if !ok {
		return
	}
	cfg.Aliases = map[string]string{}
	for _, p := range s.table.pairs {
		name := showName(p.key.text)
		to := p.value
		if to.kind == table {
			inner := s.over(to, s.path+name+".")
			inner.unknown("model", "hidden")
			if inner.name("model", "the name of a group") == "" {
				continue
			}
			if inner.flag("hidden") {
				r.hidden[p.key.text] = true
			}
			to = to.get("model")
		}
		switch {
		case p.key.kind != text || p.key.text == "":
			r.errorf(p.key.line, s.path, "an alias is %s; want a text; quote it", p.key.kind)
		case to.kind != text || to.text == "":
			s.warnf(to.line, s.path+name, "%s; want the name of a group, or a mapping with model: GROUP. This alias is left out", s.found(to))
		case to.text == p.key.text:
			r.warnf(p.key.line, s.path+name, "is an alias of itself and is ignored")
		default:
			cfg.Aliases[p.key.text] = to.text
		}
	}
	checkAliases(s, cfg)
}

// warnUnset warns about variables that generated ids lack.
func (r *liteLLM) warnUnset() {
	for _, name := range r.names {
		m := r.unset[name]
		r.warnf(m.line, "", "the environment variable %s is not set (used %s here); the generated ids it is part of differ from those where it is",
			showName(name), times(m.times))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
