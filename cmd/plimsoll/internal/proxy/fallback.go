package proxy

import (
	"encoding/json"
	"net/http"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// fallbacks sets the groups that a call goes to if its own group fails: those that the
// client names, else those of the configuration. It omits groups that the token may not
// call, and those without a deployment for the call's tags.
func (p *Proxy) fallbacks(r *http.Request, now *served, a *transport.Admission, group string, tags callTags) {
	routing := p.routing.Load()
	a.MaxAttempts = routing.MaxAttempts
	who := server.CallerOf(r.Context())
	list := func(names []string) (out []transport.Fallback) {
		for _, name := range names {
			if !who.MayAsk(p.cfg.Engine, name) {
				continue
			}
			if must, without, err := now.choose(p.groupOf(name), tags, routing.Tags); err == nil {
				out = append(out, transport.Fallback{Group: name, Tags: must, Exclude: without})
			}
		}
		return out
	}
	names, named := clientFallbacks(a)
	if named {
		a.Fallbacks = list(names)
		return
	}
	if a.Fallbacks = list(routing.Chain(a.Group, group, false)); len(routing.ContextFallbacks) > 0 {
		a.Larger = list(routing.Chain(a.Group, group, true))
	}
}

// clientFallbacks takes the members fallbacks and disable_fallbacks out of a body, which
// clients of LiteLLM send (https://docs.litellm.ai/docs/proxy/reliability) and providers
// refuse. It returns the groups that they name, and whether they stand in place of the
// configuration's: names, objects with the member "model", of which other members are not
// read, and mappings from the group that is asked for to a list of them.
func clientFallbacks(a *transport.Admission) (names []string, named bool) {
	list, none := a.Member("fallbacks"), a.Member("disable_fallbacks")
	if list == nil && none == nil {
		return nil, false
	}
	a.SetMember("fallbacks", nil)
	a.SetMember("disable_fallbacks", nil)
	if string(none) == "true" {
		return nil, true
	}
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil || items == nil {
		return nil, false
	}
	for _, item := range items[:min(len(items), transport.MaxFallbacks)] {
		var name string
		var object map[string]json.RawMessage
		switch {
		case json.Unmarshal(item, &name) == nil:
			names = append(names, name)
		case json.Unmarshal(item, &object) == nil:
			if json.Unmarshal(object["model"], &name) == nil {
				names = append(names, name)
			}
			names = append(names, texts(object[a.Group])...)
		}
	}
	return names, true
}
