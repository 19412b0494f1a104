package proxy

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// maxTags bounds the tags of a call.
const maxTags = 100

// member is a deployment of a group.
type member struct {
	ref  engine.Ref
	tags []string
}

// callTags are the tags of a call.
type callTags struct {
	strict []string // of our own header: a deployment must have all of them
	loose  []string // of LiteLLM's header and members, which may only label spending
}

// readTags reads the tags of a call, and takes LiteLLM's out of the body.
func readTags(r *http.Request, a *transport.Admission, rule config.TagRule) (callTags, error) {
	t := callTags{strict: listed(r.Header.Get(headerTags))}
	loose := listed(r.Header.Get("X-Litellm-Tags"))
	loose = append(loose, texts(a.Member("tags"))...)
	a.SetMember("tags", nil)
	for _, name := range [...]string{"metadata", "litellm_metadata"} {
		var meta map[string]json.RawMessage
		if raw := a.Member(name); raw == nil || json.Unmarshal(raw, &meta) != nil {
			continue
		}
		list := texts(meta["tags"])
		if list == nil {
			continue
		}
		loose = append(loose, list...)
		delete(meta, "tags")
		if rest, err := json.Marshal(meta); err == nil && len(meta) > 0 {
			a.SetMember(name, rest)
		} else {
			a.SetMember(name, nil)
		}
	}
	if len(t.strict)+len(loose) > maxTags {
		return t, &transport.Refusal{Status: http.StatusBadRequest, Message: "a call may have at most " + strconv.Itoa(maxTags) + " tags"}
	}
	if rule != config.TagsIgnored {
		t.loose = loose
	}
	return t, nil
}

// groupOf returns the name of the group that a name, an alias or a fitting name of a
// pattern means; the name itself if there is none.
func (p *Proxy) groupOf(name string) string {
	if group, err := p.cfg.Engine.Group(name); err == nil {
		return group.Name()
	}
	return name
}

// known returns the tags that a deployment of a group has, whatever stands before them.
func (s *served) known(group string, tags []string) (out []string) {
	for _, tag := range tags {
		if bare := strings.TrimLeft(tag, "&!"); s.groups[group].tags[bare] {
			out = append(out, bare)
		}
	}
	return out
}

// choose returns what the tags of a call demand of a group: tags that a deployment must
// all have, and the deployments that they rule out.
func (s *served) choose(group string, t callTags, rule config.TagRule) (tags []string, out []engine.Ref, err error) {
	switch rule {
	case config.TagsKnown:
		return append(slices.Clone(t.strict), s.known(group, t.loose)...), nil, nil
	case config.TagsAny, config.TagsAll:
	default:
		return t.strict, nil, nil
	}
	members := s.groups[group].members
	chosen := liteLLMTags(members, t.loose, rule == config.TagsAny)
	if len(chosen) == 0 && len(members) > 0 {
		return nil, nil, &transport.Refusal{Status: http.StatusBadRequest, Message: "no deployment of the model is for the call's tags"}
	}
	for i := range members {
		if !chosen[i] {
			out = append(out, members[i].ref)
		}
	}
	return t.strict, out, nil
}

// liteLLMTags returns the places of the deployments that LiteLLM's rule leaves over
// (https://docs.litellm.ai/docs/proxy/tag_routing); see [config.TagsAny]. With one, a
// deployment needs only one of the wanted tags.
func liteLLMTags(members []member, tags []string, one bool) map[int]bool {
	var needed, banned, wanted []string
	for _, tag := range tags {
		switch {
		case len(tag) > 1 && tag[0] == '&':
			needed = append(needed, tag[1:])
		case len(tag) > 1 && tag[0] == '!':
			banned = append(banned, tag[1:])
		case tag != "&" && tag != "!":
			wanted = append(wanted, tag)
		}
	}
	allowed, matching, standard := map[int]bool{}, map[int]bool{}, map[int]bool{}
	known, standards := false, false
	for i := range members {
		has := func(tag string) bool { return slices.Contains(members[i].tags, tag) }
		lacks := func(tag string) bool { return !has(tag) }
		known = known || slices.ContainsFunc(wanted, has)
		standards = standards || has(config.DefaultTag)
		if slices.ContainsFunc(banned, has) || slices.ContainsFunc(needed, lacks) {
			continue
		}
		allowed[i] = true
		if len(wanted) > 0 && (one && slices.ContainsFunc(wanted, has) || !slices.ContainsFunc(wanted, lacks)) {
			matching[i] = true
		}
		if has(config.DefaultTag) {
			standard[i] = true
		}
	}
	switch {
	case len(matching) > 0 || len(wanted) > 0 && known:
		return matching
	case len(wanted) > 0, len(needed) == 0 && standards:
		return standard
	}
	return allowed
}
