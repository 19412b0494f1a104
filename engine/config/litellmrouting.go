package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// routing reads what a LiteLLM file says of retries, fallbacks and tags. A key of
// router_settings takes the place of that of litellm_settings, as in LiteLLM's proxy.
func (r *liteLLM) routing(router section) Routing {
	places := r.settings(router)
	out := Routing{Tags: TagsIgnored}
	if s, v := firstOf("num_retries", places...); !v.absent() {
		if n, ok := s.numeric(v).whole(); ok && n >= 0 && n < maxAttempts {
			out.MaxAttempts = int(n) + 1
		} else {
			s.warnf(v.line, s.path+"num_retries", "%s; want a whole number from 0 to %d; it is passed over", s.found(v), maxAttempts-1)
		}
	}
	if v := router.table.get("enable_tag_filtering"); !v.off() {
		out.Tags = TagsAny
		if v := router.table.get("tag_filtering_match_any"); !v.absent() && v.kind == boolean && v.text == "False" {
			out.Tags = TagsAll
		}
	}
	r.checksNotDone(router)
	s, v := firstOf("fallbacks", places...)
	out.Fallbacks = s.pairedFallbacks("fallbacks", v)
	s, v = firstOf("context_window_fallbacks", places...)
	out.ContextFallbacks = s.pairedFallbacks("context_window_fallbacks", v)
	if s, v := firstOf("default_fallbacks", places...); !v.absent() {
		if list := s.groups("default_fallbacks", v); len(list) > 0 {
			if out.Fallbacks == nil {
				out.Fallbacks = map[string][]string{}
			}
			s.fallbackAt(AnyGroup, v.line)
			out.Fallbacks[AnyGroup] = list
		}
	}
	return out
}

// settings are the sections that say how requests are routed, in their order:
// router_settings, and litellm_settings if the file has them.
func (r *liteLLM) settings(router section) []section {
	places := []section{router}
	if v := r.table.get("litellm_settings"); !v.absent() && v.kind == table {
		places = append(places, r.over(v, "litellm_settings."))
	}
	return places
}

// firstOf returns the value of a key in the first of several sections that has it, and
// that section; the first section and nil if none has it.
func firstOf(key string, places ...section) (section, *value) {
	for _, s := range places {
		if v := s.table.get(key); !v.absent() {
			return s, v
		}
	}
	return places[0], nil
}

// checksDone are the optional_pre_call_checks that the proxy does in any case: what
// continues a response or a session goes to the deployment that has it.
var checksDone = []string{"responses_api_deployment_check", "session_affinity", "deployment_affinity"}

// checksNotDone lists the others.
func (r *liteLLM) checksNotDone(router section) {
	list := router.table.get("optional_pre_call_checks")
	if list.absent() {
		return
	}
	for _, item := range list.items {
		if item.kind == text && !slices.Contains(checksDone, item.text) {
			r.undonef(item.line, router.path+"optional_pre_call_checks", "the check %s", r.secrets.quote(item.text))
		}
	}
}

// cooldowns gives deployments the rule of cooldown_time and allowed_fails: those of
// litellm_params, or the router's, or those of litellm_settings.
func (r *liteLLM) cooldowns(router section) {
	places := r.settings(router)
	allowed := 0
	for _, s := range places {
		if v := s.table.get("allowed_fails"); !v.absent() && allowed == 0 {
			if n, ok := s.numeric(v).whole(); ok && n >= 0 && n < engine.MaxFailures {
				allowed = int(n) + 1
			} else {
				s.warnf(v.line, s.path+"allowed_fails", "%s; want a whole number; it is passed over", s.found(v))
			}
		}
	}
	for _, e := range r.entries {
		e.Failures = allowed
		for _, s := range append([]section{e.params}, places...) {
			if e.Cooldown = r.seconds(s, "cooldown_time"); e.Cooldown > 0 {
				break
			}
		}
	}
}

// pairedFallbacks reads LiteLLM's form of fallbacks: a list of mappings from a group to
// a list of groups. A text in place of a mapping is a fallback of all groups.
func (s section) pairedFallbacks(key string, v *value) map[string][]string {
	switch {
	case v.absent():
		return nil
	case v.kind == table:
		v = &value{kind: list, line: v.line, items: []*value{v}}
	case v.kind != list:
		s.warnf(v.line, s.path+key, "%s; want a list such as [{GROUP: [OTHER]}]; it is passed over", s.found(v))
		return nil
	}
	out := map[string][]string{}
	for _, item := range v.items {
		switch item.kind {
		case text:
			s.fallbackAt(AnyGroup, item.line)
			out[AnyGroup] = append(out[AnyGroup], item.text)
		case table:
			for _, p := range item.pairs {
				if p.key.kind != text {
					s.warnf(p.key.line, s.path+key, "a group is %s; want a text; quote it. Its fallbacks are passed over", p.key.kind)
					continue
				}
				if _, twice := out[p.key.text]; !twice { // LiteLLM uses the first
					s.fallbackAt(p.key.text, p.key.line)
					out[p.key.text] = s.groups(key+"."+showName(p.key.text), p.value)
				}
			}
		default:
			s.warnf(item.line, s.path+key, "%s; want a mapping such as {GROUP: [OTHER]}; it is passed over", s.found(item))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// groups returns the names of groups in a list, or one text.
func (s section) groups(key string, v *value) []string {
	if v.kind == text && v.text != "" {
		return []string{v.text}
	}
	if v.kind != list {
		s.warnf(v.line, s.path+key, "%s; want a list of groups; it is passed over", s.found(v))
		return nil
	}
	var out []string
	for _, item := range v.items {
		name := item
		if item.kind == table { // a group with parameters of its own
			name = orNothing(item.get("model"))
			s.warnf(item.line, s.path+key, "parameters of a fallback are passed over; its group is used")
		}
		if name.kind != text || name.text == "" {
			s.warnf(item.line, s.path+key, "%s; want the name of a group; it is passed over", s.found(name))
			continue
		}
		out = append(out, strings.TrimSpace(name.text))
	}
	return out
}

func sortedKeys(lists map[string][]string) []string { return slices.Sorted(maps.Keys(lists)) }
