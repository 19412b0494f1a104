package transport

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// place is an endpoint, its URL parsed.
type place struct {
	Endpoint
	id     string
	base   *url.URL
	quoted []byte          // Model, as JSON
	passed map[string]bool // PassHeaders, in canonical form
	times  Timeouts
	health *health
	tuning *tuning
	family imageFamily
	vendor *vendor // nil = not known

	defaults map[operation][]wire.Value // of bodies
}

// places are where requests go, as of one Apply.
type places struct {
	of      map[string]*place   // by a deployment's ID
	groups  map[string]*budget  // those of which a deployment has one
	first   map[string][]*place // the first of each group, tuned at most
	members map[string][]string // the IDs of the deployments of those groups
}

// newPlaces returns the places of these endpoints. What is remembered of groups and
// deployments goes on.
func (t *Transport) newPlaces(endpoints map[string]Endpoint) *places {
	out := &places{of: make(map[string]*place, len(endpoints)), groups: map[string]*budget{}, first: map[string][]*place{}, members: map[string][]string{}}
	old := t.places.Load()
	if old == nil {
		old = &places{}
	}
	states := t.engine.AppendStates(nil)
	for i := range states {
		if _, ok := endpoints[states[i].ID]; ok {
			b := out.groups[states[i].Group]
			if b == nil {
				b = old.groups[states[i].Group]
			}
			if b == nil {
				b = newBudget(time.Now())
			}
			out.groups[states[i].Group] = b
			out.members[states[i].Group] = append(out.members[states[i].Group], states[i].ID)
		}
	}
	for id, ep := range endpoints {
		base, err := url.Parse(ep.BaseURL)
		if err != nil {
			continue // cannot be: it was validated
		}
		p := &place{Endpoint: ep, id: id, base: base, quoted: wire.Quote(ep.Model), passed: map[string]bool{}, times: ep.Timeouts.or(t.times), health: &health{}, tuning: &tuning{}, defaults: newDefaults(ep.Defaults)}
		if was := old.of[id]; was != nil {
			p.health, p.tuning = was.health, was.tuning
		}
		model := cmp.Or(ep.BaseModel, ep.Model)
		p.family, p.vendor = familyOf(model), vendorOf(model)
		for _, name := range ep.PassHeaders {
			p.passed[http.CanonicalHeaderKey(name)] = true
		}
		out.of[id] = p
	}
	for group, ids := range out.members {
		for _, id := range ids[:min(len(ids), tuned)] {
			if p := out.of[id]; p != nil {
				out.first[group] = append(out.first[group], p)
			}
		}
	}
	return out
}

// provider names who answers.
func (ep *Endpoint) provider() string {
	if ep.Provider != "" {
		return ep.Provider
	}
	return string(ep.API)
}

// url returns where an operation goes.
func (p *place) url(op operation, model string, client *url.URL) *url.URL {
	path := op.suffix()
	if p.API == Azure && p.APIVersion != "" && op != responses && op != compact && op != inputTokens {
		path = "/deployments/" + url.PathEscape(model) + path
	}
	return p.at(path, client)
}

// sentQuery are the parameters of a client's query that are sent. All others stay behind, as
// headers do: LiteLLM's proxy takes the model from the query rather than from the body
// (chat_completion in https://github.com/BerriAI/litellm/blob/main/litellm/proxy/proxy_server.py),
// and Google's APIs take a key (https://cloud.google.com/apis/docs/system-parameters).
//
// Sources: https://platform.openai.com/docs/api-reference (lists, include, streams that are resumed),
// https://platform.claude.com/docs/en/api/beta-headers and .../api/listing-message-batches.
var sentQuery = map[string]bool{
	"beta": true, "include": true, "include[]": true, "include_obfuscation": true, "stream": true, "starting_after": true,
	"limit": true, "order": true, "after": true, "before": true, "after_id": true, "before_id": true, "purpose": true,
}

// at returns the address of an escaped path of the API, with the part of the client's query
// that is sent, and the endpoint's api-version.
func (p *place) at(path string, client *url.URL) *url.URL {
	u := *p.base
	base := strings.TrimSuffix(u.EscapedPath(), "/")
	switch {
	case p.API == Azure && p.APIVersion == "":
		base += "/openai/v1"
	case p.API == Azure:
		base += "/openai"
	case p.API == Anthropic && !strings.HasSuffix(base, "/v1"):
		base += "/v1"
	}
	u.RawPath = base + path
	u.Path, _ = url.PathUnescape(u.RawPath) // both were escaped
	if client.RawQuery == "" && p.APIVersion == "" {
		return &u
	}
	query := client.Query()
	for name := range query {
		if !sentQuery[name] {
			delete(query, name)
		}
	}
	if p.APIVersion != "" {
		query.Set("api-version", p.APIVersion)
	}
	u.RawQuery = query.Encode()
	return &u
}
