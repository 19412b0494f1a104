package config

import (
	"fmt"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// entry is a deployment of a LiteLLM file.
type entry struct {
	engine.Deployment
	section
	params  section
	mode    string // of model_info; "" = none
	pool    string // of model_info; "" = none
	base    string // base_model, without its provider; "" = none
	ordered bool
	named   bool // it has an id of its own
	unset   bool // its id was generated without an environment variable

	organization *value // one of several; nil = as litellm_params says
}

// maxHashed is how much text generated ids are made of, in one file.
const maxHashed = 64 << 20

// deployments reads model_list.
func (r *liteLLM) deployments() {
	ids := firsts{}
	for _, s := range r.items() {
		e := r.entry(s)
		if e == nil {
			continue
		}
		for _, one := range r.organizations(e) {
			r.number(one, ids)
			r.entries = append(r.entries, one)
		}
	}
}

// organizations returns an entry for each organization that an entry lists: LiteLLM
// makes a deployment of each, all with one id.
func (r *liteLLM) organizations(e *entry) []*entry {
	org := e.params.table.get("organization")
	if org == nil || org.kind != list || len(org.items) == 0 {
		return []*entry{e}
	}
	var all []*entry
	for _, item := range org.items {
		one := *e
		one.organization = item
		all = append(all, &one)
	}
	return all
}

// number gives entries with the same generated id ids of their own: LiteLLM counts
// and calls them as one. The same id in two entries that name it is an error.
func (r *liteLLM) number(e *entry, ids firsts) {
	first, taken := ids[e.ID]
	if !taken || e.named || e.ID == "" {
		ids.check(e.section, "", e.ID, e.section.table.line, "give one of them a model_info.id of its own")
		return
	}
	generated := e.ID
	for n := 2; taken; n++ {
		e.ID = fmt.Sprintf("%s-%d", generated, n)
		_, taken = ids[e.ID]
	}
	ids[e.ID] = e.section.table.line
	if e.organization == nil {
		advice := "give one of them a model_info.id if they are two deployments, or take one out"
		if e.unset {
			advice = "set the environment variables that distinguish them, or " + advice
		}
		e.params.warnf(e.section.table.line, e.section.path, "is the same as the entry on line %d, and both have limits of their own here; LiteLLM uses one of them: %s", first, advice)
	}
}

// items returns the entries of this file and of those that it includes.
func (r *liteLLM) items() (all []section) {
	for i, s := range r.lists {
		if i == 0 && len(r.lists) > 1 && s.table.get(modelList).off() {
			continue // all deployments may stand in other files
		}
		all = append(all, s.elements(modelList, "deployments")...)
	}
	if len(all) > engine.MaxDeployments {
		r.errorf(0, modelList, "this file and those that it includes have %d deployments; an engine takes at most %d", len(all), engine.MaxDeployments)
		return nil
	}
	return all
}

// entry reads one item of model_list; nil if it has no litellm_params.
func (r *liteLLM) entry(s section) *entry {
	s.unknown(keysOf(inEntry)...)
	e := &entry{section: s}
	misplaced := ""
	for _, key := range s.table.keys() {
		if misplaced == "" && key != "order" && !slices.Contains(keysOf(inEntry), key) && slices.Contains(calledWith, key) {
			misplaced = "; write " + key + " and the like under it"
		}
	}
	var ok bool
	if e.params, ok = s.within("litellm_params"); !ok {
		if s.table.get("litellm_params").absent() {
			s.missing("litellm_params", "a mapping with at least a model"+misplaced)
		}
		return nil
	}
	if misplaced != "" {
		s.warnf(s.table.line, s.path+"litellm_params", "has keys beside it that have no effect there%s", misplaced)
	}
	info, hasInfo := s.within("model_info")
	if !hasInfo {
		info = s.over(&value{kind: table, line: s.table.line}, s.path+"model_info.")
	}
	e.Group = s.name("model_name", "the name that callers ask for")
	s.secrets.addName(s.table.get("model_name"))
	if v := e.params.table.get("model"); v != nil && v.unset {
		e.Model = envPrefix + v.env
		e.params.warnf(v.line, e.params.path+"model", "the environment variable %s is not set: the deployment has no endpoint until it is", showName(v.env))
	} else {
		e.Model = e.params.name("model", "the provider's name of the model")
	}
	e.Limits.RPM = e.limitOf("rpm", info)
	e.Limits.TPM = e.limitOf("tpm", info)
	e.Limits.InputTPM = e.limitOf("itpm", info)
	e.Limits.OutputTPM = e.limitOf("otpm", info)
	e.Limits.MaxInFlight = e.params.limit("max_parallel_requests", e.params.table.get("max_parallel_requests"))
	e.Tags = e.params.texts("tags")
	e.Disabled = info.flag("blocked")
	e.pool = info.text("plimsoll_pool", "the name of a pool")
	if v := info.table.get("base_model"); !v.absent() && v.kind == text {
		e.base = baseModel(v.text)
	}
	if v := info.table.get("mode"); !v.absent() && v.kind == text {
		e.mode = v.text
	}
	for _, place := range []section{e.params, info} {
		if v := place.table.get("order"); !v.absent() && !e.ordered {
			e.Order = int(place.whole("order", -maxOrder, maxOrder, "a whole number"))
			e.ordered = true
		}
	}
	r.entryWarnings(e, info)
	r.identify(e, info)
	return e
}

// limitOf finds a limit where LiteLLM looks for it: in the entry, in
// litellm_params, in model_info. 0 is a limit, null is none.
func (e *entry) limitOf(key string, info section) int64 {
	for _, place := range []section{e.section, e.params, info} {
		if v := place.table.get(key); !v.absent() {
			return place.limit(key, v)
		}
	}
	return 0
}

// entryWarnings names what LiteLLM acts on and plimsoll does not.
func (r *liteLLM) entryWarnings(e *entry, info section) {
	for _, p := range e.params.table.pairs {
		if p.key.kind != text {
			e.params.errorf(p.key.line, e.params.path, "a key is %s; LiteLLM takes texts; quote it", p.key.kind)
		} else if begin := glued(p.key.text, keysOf(inParams)); begin != "" {
			e.params.warnf(p.key.line, e.params.path+begin+":…", "is no key of LiteLLM's; write a space after %s:", begin)
		} else if near := r.lookalike(p.key.text); near != "" {
			e.params.warnf(p.key.line, e.params.path+showName(p.key.text), "is nothing that changes routing; did you mean %s?", near)
		}
	}
	r.undone(inInfo, info)
	r.undone(inParams, e.params)
}

// maxLookalikes bounds what is remembered of keys.
const maxLookalikes = 1000

// lookalike returns the key that is read which another key may have been meant
// to be, "" for one that is read or looks like none.
func (r *liteLLM) lookalike(key string) string {
	near, ok := r.near[key]
	if !ok && len(r.near) < maxLookalikes {
		near = nearest(key, paramKeys)
		if near == key || slices.Contains(paramOthers, key) {
			near = ""
		}
		r.near[key] = near
	}
	return near
}

// identify gives the deployment its id: model_info.id, or what LiteLLM would
// generate.
func (r *liteLLM) identify(e *entry, info section) {
	switch id := info.table.get("id"); {
	case id == nil:
	case id.kind == text && id.text != "", id.kind == integer:
		e.ID, e.named = id.text, true
		return
	case id.absent():
		e.params.warnf(id.line, info.path+"id", "is empty, for which LiteLLM makes up another id at each start; the generated id is used")
	default:
		info.wrong("id", id, "a text or a whole number, or no such key for a generated id")
		return
	}
	group := e.section.table.get("model_name")
	if e.Group == "" {
		return // reported
	}
	if r.hashed > maxHashed {
		if !r.errored {
			r.errored = true
			e.params.errorf(e.section.table.line, e.params.path, "the ids of this file are made of more than %d bytes of litellm_params; that is as many as are read", maxHashed)
		}
		return
	}
	id, size, err := generatedID(group, e.params.table)
	r.hashed += size
	if err != nil {
		e.params.errorf(e.params.table.line, e.params.path, "%v", err)
		return
	}
	e.ID = id
	for _, p := range e.params.table.pairs {
		r.noteUnset(e, p.value)
	}
}

// noteUnset remembers the variables without a value in a part of litellm_params.
func (r *liteLLM) noteUnset(e *entry, v *value) {
	for _, item := range v.items {
		r.noteUnset(e, item)
	}
	for _, p := range v.pairs {
		r.noteUnset(e, p.value)
	}
	if !v.unset {
		return
	}
	e.unset = true
	m, ok := r.unset[v.env]
	if !ok {
		m = &mention{line: v.line}
		r.unset[v.env] = m
		r.names = append(r.names, v.env)
	}
	m.times++
}
