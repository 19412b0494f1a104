package config

import (
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// deployment writes an entry of the LiteLLM file.
func (c *converter) deployment(e *entry, d engine.Deployment) {
	info, ok := e.section.within("model_info")
	if !ok {
		info = e.section.over(&value{kind: table}, "")
	}
	at := origin(e.section, e.section.table)
	id := "made of all parameters at " + at + ", as LiteLLM does"
	if v := info.table.get("id"); e.named {
		id = origin(info, v)
	}
	c.line(1, "- id:", plain(d.ID), id)
	if name := c.file.storeName(d.ID); name != d.ID {
		c.line(2, "store_id:", plain(name), "by which nodes that read the LiteLLM file know it")
	}
	name := e.section.table.get("model_name")
	c.line(2, "group:", c.text(name, d.Group), origin(e.section, name))
	model := e.params.table.get("model")
	c.line(2, "model:", c.text(model, d.Model), origin(e.params, model))
	c.provider(d, at)
	for l := range provider.AllLimits() {
		if l == engine.LimitInFlight {
			continue
		}
		s, v := firstOf(litellmLimit(l), e.section, e.params, info)
		c.limit(l.Key()+":", *d.Limits.Of(l), s, v)
	}
	s, v := firstOf("max_parallel_requests", e.params)
	if v == nil {
		router := c.section("router_settings")
		s, v = router, router.table.get("default_max_parallel_requests")
	}
	c.limit(engine.LimitInFlight.Key()+":", d.Limits.MaxInFlight, s, v)
	if d.Margin != 0 {
		c.line(2, "margin:", number(d.Margin), at)
	}
	if d.DefaultMaxOutput != 0 {
		from, comment := c.source(e, "max_completion_tokens", "max_tokens")
		c.line(2, "default_max_output:", c.whole(from, d.DefaultMaxOutput), comment)
	}
	if d.Weight != 0 {
		comment := at + ", as simple-shuffle weighs it"
		if s, v := firstOf("weight", e.params); v != nil {
			comment = origin(s, v)
		}
		c.line(2, "weight:", number(d.Weight), comment)
	}
	if s, v := firstOf("order", e.params, info); v != nil {
		c.line(2, "order:", strconv.Itoa(d.Order), origin(s, v))
	} else if d.Order != 0 {
		c.line(2, "order:", strconv.Itoa(d.Order), "none at "+at+": LiteLLM looks at it after those of its group with one")
	}
	if len(d.Tags) > 0 {
		list := make([]string, len(d.Tags))
		for i, tag := range d.Tags {
			list[i] = plain(tag)
		}
		c.line(2, "tags:", "["+strings.Join(list, ", ")+"]", origin(e.params, e.params.table.get("tags")))
	}
	if d.Disabled {
		comment := at + ", which simple-shuffle never draws"
		if v := info.table.get("blocked"); v != nil && v.text == "True" {
			comment = origin(info, v)
		}
		c.line(2, "disabled:", "true", comment)
	}
	if d.Failures != 0 {
		c.line(2, "failures:", strconv.Itoa(d.Failures), "allowed_fails, and the one that is not")
	}
	if d.Cooldown != 0 {
		c.line(2, "cooldown:", d.Cooldown.String(), "cooldown_time")
	}
	if mode := c.file.Modes[d.ID]; mode != "" {
		v := info.table.get("mode")
		c.line(2, "mode:", c.text(v, mode), origin(info, v))
	}
	c.endpoint(e, d, at)
}

// litellmLimit is LiteLLM's key of a limit: itpm for input_tpm.
func litellmLimit(l provider.Limit) string {
	return strings.NewReplacer("input_", "i", "output_", "o").Replace(l.Key())
}

// limit writes a limit, 0 for one that lets nothing through.
func (c *converter) limit(key string, n int64, s section, v *value) {
	if n == 0 {
		return
	}
	c.line(2, key, c.whole(v, max(n, 0)), origin(s, v))
}

// whole writes a number: a reference if the value comes from a variable that is the
// same number.
func (c *converter) whole(v *value, n int64) string {
	text := strconv.FormatInt(n, 10)
	if v != nil && v.env != "" && strings.TrimSpace(v.text) == text {
		return c.variable(v.env, v)
	}
	return text
}

// number writes a number that YAML 1.1 reads as one.
func number(f float64) string { return floatText(pyFloat(f)) }

// source returns the first of several values of the parameters of an entry, or of those
// that hold for all, and where it stands.
func (c *converter) source(e *entry, keys ...string) (*value, string) {
	for _, s := range []section{e.params, c.reader.everyone} {
		if s.table == nil {
			continue
		}
		for _, key := range keys {
			for _, v := range []*value{s.table.get(key), s.table.get("extra_body").get(key)} {
				if !v.absent() && !v.unset {
					return v, origin(s, v)
				}
			}
		}
	}
	return nil, ""
}

// provider writes who provides a deployment and how that counts, where the own format
// would read something else from the model.
func (c *converter) provider(d engine.Deployment, at string) {
	counting := c.file.Counting[d.ID]
	name, rest := counting.Provider, d.Model
	before, after, cut := strings.Cut(d.Model, "/")
	prefix, known := provider.Canonical(before)
	if known = known && cut; known && prefix == name {
		rest = after
	}
	switch {
	case known && prefix == name, !known && name == "":
	case name == "":
		c.line(2, "provider:", otherProvider, "the address at "+at+" is not that of the provider named before the model")
	default:
		c.line(2, "provider:", name, at)
	}
	want := d.Profile
	want.Pool = ""
	mode := ProfilesPlain
	if c.reader.options.Profiles == ProfilesAuto {
		mode = ProfilesAuto
	}
	what := rest
	if ep, ok := c.file.Endpoints[d.ID]; ok && ep.BaseModel != "" {
		what = baseModel(ep.BaseModel)
	}
	read, _ := mode.given(name, what)
	preset := map[Profiles]string{ProfilesPlain: presetPlain, ProfilesAuto: string(ProfilesAuto)}[mode]
	if read == want && d.Profile.Pool == "" {
		return
	}
	parts := []string{"preset: " + preset}
	if read != want {
		parts = profileParts(want)
	}
	comment := at
	if d.Profile.Pool != "" {
		parts = append(parts, "pool: "+plain(d.Profile.Pool))
	}
	c.line(2, "profile:", "{"+strings.Join(parts, ", ")+"}", comment)
}

// profileParts writes a rule field by field.
func profileParts(p provider.Profile) []string {
	var zero provider.Profile
	parts := []string{"preset: plain", "shape: " + p.Shape.String()}
	if p.Phase != zero.Phase {
		parts = append(parts, "phase: "+p.Phase.String())
	}
	if p.LearnPhase {
		parts = append(parts, "learn_phase: true")
	}
	if p.LearnShape {
		parts = append(parts, "learn_shape: true")
	}
	if p.RequestWindow != zero.RequestWindow {
		parts = append(parts, "request_window: "+p.RequestWindow.String())
	}
	parts = append(parts, "admit: "+p.Admit.String())
	if p.EstimateStands {
		parts = append(parts, "estimate_stands: true")
	}
	if w := p.Weights; w != zero.Weights {
		parts = append(parts, "weights: {input: "+number(w.Input)+", cached_input: "+number(w.CachedInput)+", cache_write: "+number(w.CacheWrite)+", output: "+number(w.Output)+"}")
	}
	if p.CountsRefused {
		parts = append(parts, "counts_refused: true")
	}
	return append(parts, "day: "+p.Day.String())
}
