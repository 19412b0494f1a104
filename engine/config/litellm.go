package config

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// modelList is the key by which a LiteLLM file is known.
const modelList = "model_list"

// liteLLM reads a LiteLLM file.
type liteLLM struct {
	section
	options Options
	entries []*entry
	near    map[string]string   // what keys of litellm_params look like
	errored bool                // of too many of them
	hashed  int                 // bytes that went into generated ids
	unset   map[string]*mention // variables without a value, among those
	names   []string            // of unset, in order
	reasons map[string]*mention // why entries have no endpoint
	whys    []string            // of reasons, in order
	general Timeouts            // of all entries
}

// mention is where something first occurs, and how often it does.
type mention struct{ line, times int }

// readLiteLLM reads a LiteLLM configuration as it is. docs/LITELLM.md says what
// is read and where this differs from what LiteLLM does.
func readLiteLLM(s section, o Options, out *File) {
	s.loose = true
	r := &liteLLM{section: s, near: map[string]string{}, options: o, unset: map[string]*mention{}, reasons: map[string]*mention{}}
	r.unknown(topKeys...)
	if v := s.table.get("include"); !v.absent() {
		s.errorf(v.line, "include", "other files are not read; put all deployments into this one")
	}
	if general, ok := s.within("general_settings"); ok {
		general.ignored(generalIgnored)
	}
	r.deployments()
	cfg := &out.Engine
	router, ok := s.within("router_settings")
	if !ok {
		router = s.over(&value{kind: table, line: s.table.get(modelList).line}, "router_settings.")
	}
	var known bool
	cfg.Strategy, known = r.strategy(router)
	router.unknown(routerKeys...)
	router.ignored(routerIgnored)
	r.defaultInFlight(router)
	r.readTimeouts(router)
	r.tiers()
	switch {
	case !known:
	case cfg.Strategy == engine.Weighted:
		r.shuffleWeights()
	default:
		r.ignoredWeights()
	}
	for _, e := range r.entries {
		p := r.provided(e)
		how := Counting{Provider: p.preset()}
		e.Profile, how.Preset = o.Profiles.given(how.Provider, p.model)
		out.Counting[e.ID] = how
		if e.mode != "" {
			out.Modes[e.ID] = e.mode
		}
		cfg.Deployments = append(cfg.Deployments, e.Deployment)
		out.endpoint(e.ID, r.endpoint(e, p))
	}
	r.reportUnserved()
	r.aliases(router, cfg)
	out.Store = r.store(router)
	if args, ok := router.within("routing_strategy_args"); ok {
		out.Store.TTL = time.Duration(args.whole("ttl", 1, 24*60*60, "a whole number of seconds")) * time.Second
	}
	r.warnUnset()
}

// strategy maps routing_strategy; known is false for one that plimsoll has not.
func (r *liteLLM) strategy(router section) (s engine.Strategy, known bool) {
	const byWeight = "the strategy is simple-shuffle%s: LiteLLM treats rpm and tpm as weights there and enforces neither; plimsoll draws by the same weights, and enforces both as limits"
	v := router.table.get("routing_strategy")
	switch name := router.text("routing_strategy", "the name of a strategy"); name {
	case "usage-based-routing-v2":
		return engine.LowestTPM, true
	case "simple-shuffle":
		r.warnf(v.line, "router_settings.routing_strategy", byWeight, "")
	case "":
		if !v.absent() {
			return 0, false // no text, which was reported
		}
		r.warnf(0, "router_settings.routing_strategy", byWeight, ", LiteLLM's default")
	default:
		router.wrong("routing_strategy", v, "usage-based-routing-v2 for the least used by tokens, or simple-shuffle for a draw by weight; "+
			"plimsoll's own format has least-utilized and power-of-two as well")
		return 0, false
	}
	return engine.Weighted, true
}

// ignored names settings that LiteLLM acts on and plimsoll does not.
func (s section) ignored(list []ignored) {
	for _, w := range list {
		if v := s.table.get(w.key); !v.absent() && v.text != "False" {
			s.warnf(v.line, s.path+w.key, "%s", w.why)
		}
	}
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
			to = to.get("model")
		}
		switch {
		case p.key.kind != text || p.key.text == "":
			r.errorf(p.key.line, s.path, "an alias is %s; want a text; quote it", p.key.kind)
		case to.kind != text || to.text == "":
			s.wrong(name, to, "the name of a group, or a mapping with model: GROUP")
		case to.text == p.key.text:
			r.warnf(p.key.line, s.path+name, "is an alias of itself and is ignored")
		default:
			cfg.Aliases[p.key.text] = to.text
		}
	}
	checkAliases(s, cfg)
}

// warnUnset tells about variables that generated ids lack.
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
