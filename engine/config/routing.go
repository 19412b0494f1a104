package config

import (
	"slices"
	"strings"
)

// TagRule is the rule by which the tags of a request exclude deployments of a group.
type TagRule string

// The rules for tags. [TagsKnown] and [TagsIgnored] never refuse a request for a tag.
const (
	// TagsKnown: a deployment must have all tags of the request that any deployment of
	// its group has; others only label the request. The zero value.
	TagsKnown TagRule = ""
	// TagsIgnored: tags only label requests.
	TagsIgnored TagRule = "ignored"
	// TagsAny and TagsAll are LiteLLM's rule for enable_tag_filtering
	// (https://docs.litellm.ai/docs/proxy/tag_routing): a deployment must have one of the
	// request's tags, or all of them. Where no deployment of the group has one of them,
	// and for a request without tags, those with the tag "default" serve. A tag "&x" must
	// be there, "!x" must not.
	TagsAny TagRule = "any"
	TagsAll TagRule = "all"
)

// DefaultTag marks the deployments that serve requests without a tag of their group,
// under [TagsAny] and [TagsAll].
const DefaultTag = "default"

var tagRules = []string{"known", string(TagsIgnored), string(TagsAny), string(TagsAll)}

// AnyGroup is the key of the fallbacks of groups that have none of their own.
const AnyGroup = "*"

// Routing is what the proxy does if a group cannot serve a request, and how it applies a
// request's tags. The zero value is ready for use.
type Routing struct {
	// MaxAttempts is to how many deployments of one group a request is sent at most;
	// 0 = the proxy's default.
	MaxAttempts int
	// Fallbacks are the groups to which a request goes in turn if a group has failed, by
	// the name in the request; AnyGroup = names without an entry. ContextFallbacks
	// are those for a prompt that is too long for the group; a name without an entry
	// has Fallbacks for it too.
	Fallbacks, ContextFallbacks map[string][]string
	// Tags is the rule for tags. A deployment must always have all tags of the header
	// X-Plimsoll-Tags.
	Tags TagRule
}

// maxFallbacks is how many groups are tried after the first.
const maxFallbacks = 5

// Chain returns the groups that a request goes to when the group that was asked for by
// a name, or alias, has failed: its fallbacks, each followed by its own, at most
// five and none twice. Large is set if its prompt is too long for the group: the
// chain is then one of ContextFallbacks alone if the group has any.
func (r *Routing) Chain(asked, group string, large bool) []string {
	lists := r.Fallbacks
	if large && len(fallbacksOf(r.ContextFallbacks, asked, group)) > 0 {
		lists = r.ContextFallbacks
	}
	if len(lists) == 0 {
		return nil
	}
	var out []string
	seen := map[string]bool{asked: true, group: true}
	var follow func(list []string)
	follow = func(list []string) {
		for _, name := range list {
			if len(out) == maxFallbacks {
				return
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			out = append(out, name)
			follow(fallbacksOf(lists, name, name))
		}
	}
	follow(fallbacksOf(lists, asked, group))
	return out
}

// fallbacksOf returns the list of a name that was asked for: its own, that of the group
// that it means, that of the name without its provider, or that of all.
func fallbacksOf(lists map[string][]string, asked, group string) []string {
	for _, name := range [...]string{asked, group} {
		if list, ok := lists[name]; ok {
			return list
		}
	}
	if before, after, cut := strings.Cut(asked, "/"); cut && nameKnown(before) {
		if list, ok := lists[after]; ok {
			return list
		}
	}
	return lists[AnyGroup]
}

// readRouting reads what the own format says of it.
func readRouting(s section) Routing {
	r := Routing{MaxAttempts: int(s.whole("max_attempts", 1, maxAttempts, "a whole number"))}
	if rule := s.oneOf("request_tags", tagRules); rule != "known" {
		r.Tags = TagRule(rule)
	}
	r.Fallbacks, r.ContextFallbacks = s.fallbacks("fallbacks"), s.fallbacks("context_fallbacks")
	return r
}

// maxAttempts bounds how often one request is tried in a group.
const maxAttempts = 100

// fallbacks returns lists of groups by the name of a group.
func (s section) fallbacks(key string) map[string][]string {
	inner, ok := s.within(key)
	if !ok || len(inner.table.pairs) == 0 {
		return nil
	}
	out := map[string][]string{}
	for _, p := range inner.table.pairs {
		if p.key.kind != text || p.key.text == "" {
			s.errorf(p.key.line, key, "a key is %s; want the name of a group, or %s for those without fallbacks of their own; quote it", p.key.kind, AnyGroup)
			continue
		}
		s.fallbackAt(p.key.text, p.key.line)
		out[p.key.text] = inner.texts(p.key.text)
	}
	return out
}

// fallbackAt remembers where the fallbacks of a group stand.
func (f *findings) fallbackAt(group string, line int) {
	if f.fallbackLines == nil {
		f.fallbackLines = map[string]int{}
	}
	f.fallbackLines[group] = line
}

// checkRouting warns of fallbacks to groups that a file does not have, and from such.
func (f *File) checkRouting(lines map[string]int, warn func(line int, key, format string, args ...any), quote func(string) string) {
	known := f.callable()
	for _, r := range [...]struct {
		key   string
		lists map[string][]string
	}{{"fallbacks", f.Routing.Fallbacks}, {"context fallbacks", f.Routing.ContextFallbacks}} {
		for _, from := range sortedKeys(r.lists) {
			if from != AnyGroup && !known(from) {
				warn(lines[from], "", "the %s of %s have no effect: no group has that name", r.key, quote(from))
				continue
			}
			for _, to := range r.lists[from] {
				if !known(to) {
					warn(lines[from], "", "the %s of %s name %s, which is no group of this file and is passed over", r.key, quote(from), quote(to))
				}
			}
		}
	}
}

// callable returns a function that reports whether a name can be asked for: a group, an
// alias, or what fits a pattern.
func (f *File) callable() func(string) bool {
	names := map[string]bool{}
	var patterns []string
	for i := range f.Engine.Deployments {
		name := f.Engine.Deployments[i].Group
		if strings.Contains(name, "*") && !names[name] {
			patterns = append(patterns, name)
		}
		names[name] = true
	}
	for alias := range f.Engine.Aliases {
		names[alias] = true
	}
	return func(name string) bool { return names[name] || fitsAny(name, slices.Values(patterns)) }
}
