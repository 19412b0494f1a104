package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// routingView is how the proxy goes on where a group has failed.
type routingView struct {
	MaxAttempts      int                 `json:"max_attempts,omitempty"`
	RequestTags      config.TagRule      `json:"request_tags,omitempty"`
	Fallbacks        map[string][]string `json:"fallbacks,omitempty"`
	ContextFallbacks map[string][]string `json:"context_fallbacks,omitempty"`
}

func routingOf(f *config.File) *routingView {
	r := f.Routing
	v := &routingView{MaxAttempts: r.MaxAttempts, RequestTags: r.Tags, Fallbacks: masked(f, r.Fallbacks), ContextFallbacks: masked(f, r.ContextFallbacks)}
	if v.RequestTags == config.TagsIgnored { // tags choose nothing, as in LiteLLM
		v.RequestTags = ""
	}
	if v.MaxAttempts == 0 && v.RequestTags == "" && v.Fallbacks == nil && v.ContextFallbacks == nil {
		return nil
	}
	return v
}

func masked(f *config.File, lists map[string][]string) map[string][]string {
	var out map[string][]string
	for from, to := range lists {
		if out == nil {
			out = map[string][]string{}
		}
		names := make([]string, len(to))
		for i, name := range to {
			names[i] = f.Mask(name)
		}
		out[f.Mask(from)] = names
	}
	return out
}

// settings are the lines of it.
func (v *routingView) settings(add func(name, text string)) {
	if v == nil {
		return
	}
	for _, l := range []struct {
		name  string
		lists map[string][]string
	}{{"fallbacks", v.Fallbacks}, {"context fallbacks", v.ContextFallbacks}} {
		for _, from := range slices.Sorted(maps.Keys(l.lists)) {
			var names []string
			for _, to := range l.lists[from] {
				names = append(names, cell(to))
			}
			if from == config.AnyGroup {
				from = "other groups"
			}
			add(l.name, cell(from)+" → "+strings.Join(names, ", "))
		}
	}
	if v.MaxAttempts > 0 {
		add("attempts", strconv.Itoa(v.MaxAttempts)+" at most in a group")
	}
	add("request tags", string(v.RequestTags))
}
