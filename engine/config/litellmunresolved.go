package config

import (
	"regexp"
	"strings"
)

// shellReference is how shells, compose files and templates write a variable.
var shellReference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(:?[-?+=][^}]*)?\}|^\$[A-Z][A-Z0-9_]+$|\{\{.*\}\}`)

// variableAlone is how variables are named, and no provider's keys are.
var variableAlone = regexp.MustCompile(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET)(?:_?[0-9]+)?$`)

// calledWith are the keys of litellm_params that say where and as whom to call. Others, such
// as extra_body, may hold any text.
var calledWith = []string{
	"model", "custom_llm_provider", "api_base", "base_url", "api_key", "api_version", "azure_ad_token", "organization", "extra_headers", "headers", "tags",
}

// unresolved returns what a text holds that looks like a variable and is none: LiteLLM
// resolves os.environ/NAME where it is the whole value of a key, and nothing else. "" = nothing.
func (v *value) unresolved() string {
	switch {
	case v.kind != text || v.env != "" || v.unset:
		return ""
	case strings.HasPrefix(v.text, envPrefix):
		return envPrefix + "NAME in a list"
	case strings.Contains(v.text, envPrefix):
		return envPrefix + "NAME inside a longer text"
	case strings.Contains(v.text, "os.environ"), strings.Contains(v.text, "os.getenv"), strings.HasPrefix(v.text, "os.env"):
		return "os.environ in another form than " + envPrefix + "NAME"
	case shellReference.MatchString(v.text):
		return "a variable of a shell or a template"
	}
	return ""
}

// warnUnresolved warns of texts that would be sent, or called, as they are though they look
// like variables; those of one key once.
func (r *liteLLM) warnUnresolved(router section) {
	type place struct{ key, what string }
	seen, where := map[place]*mention{}, map[place]section{}
	var order []place
	var look func(s section, at string, v *value)
	look = func(s section, at string, v *value) {
		for _, item := range v.items {
			look(s, at, item)
		}
		for _, p := range v.pairs {
			look(s, at+"."+showName(p.key.text), p.value)
		}
		what := v.unresolved()
		if strings.HasSuffix(at, "_key") && v.kind == text && v.env == "" && variableAlone.MatchString(v.text) && !begins(v.text, []string{"NO_", "NOT_", "DUMMY_", "FAKE_"}) {
			what = "what looks like the name of a variable alone"
		}
		if what == "" {
			return
		}
		p := place{at, what}
		if seen[p] == nil && len(seen) < MaxFindings {
			seen[p], where[p] = &mention{line: v.line}, s
			order = append(order, p)
		}
		if seen[p] != nil {
			seen[p].times++
		}
	}
	for _, e := range r.entries {
		for _, key := range calledWith {
			if v := e.params.table.get(key); v != nil {
				look(e.params, "litellm_params."+key, v)
			}
		}
	}
	look(router, "router_settings", router.table)
	for _, name := range []string{"general_settings", "litellm_settings"} {
		for _, key := range []string{"master_key", "cache_params"} {
			if s := r.table.get(name); s.get(key) != nil {
				look(r.section, name+"."+key, s.get(key))
			}
		}
	}
	for _, p := range order {
		m, harm := seen[p], ""
		if p.key == "general_settings.master_key" {
			harm = "; everyone who knows this form knows the key"
		}
		more := ""
		if m.times > 1 {
			more = " (" + times(m.times) + ")"
		}
		where[p].warnf(m.line, p.key, "holds %s, which LiteLLM leaves as it is, and so does plimsoll%s%s. Put the whole value into a variable and write %sNAME", p.what, more, harm, envPrefix)
	}
}
