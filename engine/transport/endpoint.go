package transport

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// place is an endpoint, its URL parsed.
type place struct {
	Endpoint
	id     string
	base   *url.URL
	quoted []byte          // Model, as JSON
	passed map[string]bool // PassHeaders, in canonical form
}

// places are where requests go, as of one Apply.
type places struct {
	of     map[string]*place // by a deployment's ID
	groups map[string]bool   // those of which a deployment has one
}

func newPlaces(e *engine.Engine, endpoints map[string]Endpoint) *places {
	out := &places{make(map[string]*place, len(endpoints)), map[string]bool{}}
	states := e.AppendStates(nil)
	for i := range states {
		if _, ok := endpoints[states[i].ID]; ok {
			out.groups[states[i].Group] = true
		}
	}
	for id, ep := range endpoints {
		base, err := url.Parse(ep.BaseURL)
		if err != nil {
			continue // cannot be: it was validated
		}
		p := &place{Endpoint: ep, id: id, base: base, quoted: wire.Quote(ep.Model), passed: map[string]bool{}}
		for _, name := range ep.PassHeaders {
			p.passed[http.CanonicalHeaderKey(name)] = true
		}
		out.of[id] = p
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

// url returns where an operation goes. The client's query is kept but for
// Azure's api-version, which is the endpoint's.
func (p *place) url(op operation, client *url.URL) *url.URL {
	u := *p.base
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	switch {
	case p.API == Azure && p.APIVersion == "":
		path += "/openai/v1" + suffixes[op]
	case p.API == Azure && op == responses:
		path += "/openai/responses"
	case p.API == Azure:
		path += "/openai/deployments/" + url.PathEscape(p.Model) + suffixes[op]
	case p.API == Anthropic && !strings.HasSuffix(path, "/v1"):
		path += "/v1" + suffixes[op]
	default:
		path += suffixes[op]
	}
	u.RawPath = path
	u.Path, _ = url.PathUnescape(path) // escaped just now
	if client.RawQuery == "" && p.APIVersion == "" {
		return &u
	}
	query := client.Query()
	query.Del("api-version")
	if p.APIVersion != "" {
		query.Set("api-version", p.APIVersion)
	}
	u.RawQuery = query.Encode()
	return &u
}
