package transport

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// place is an endpoint, its URL parsed.
type place struct {
	Endpoint
	id   string
	base *url.URL
	// failures counts failed attempts since the last that did not fail.
	failures atomic.Int32
}

// places are where requests go, as of one Apply.
type places struct {
	of     map[string]*place // by a deployment's ID
	groups map[string]bool   // those of which a deployment has one
}

func newPlaces(e *engine.Engine, endpoints map[string]Endpoint, old map[string]*place) *places {
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
		p := &place{Endpoint: ep, id: id, base: base}
		if o := old[id]; o != nil {
			p.failures.Store(o.failures.Load())
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
func (p *place) url(op operation, query url.Values) *url.URL {
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
	query.Del("api-version")
	if p.APIVersion != "" {
		query.Set("api-version", p.APIVersion)
	}
	u.RawQuery = query.Encode()
	return &u
}

// credentialHeaders are those in which clients send credentials, or say whose
// they are. None of the client's reaches a provider.
var credentialHeaders = []string{
	"Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie",
	"Openai-Organization", "Openai-Project",
}

// header returns the client's header with the endpoint's credential in place of
// the client's.
func (p *place) header(ctx context.Context, client http.Header) (http.Header, error) {
	h := client.Clone()
	if h == nil {
		h = http.Header{}
	}
	for _, name := range credentialHeaders {
		h.Del(name)
	}
	h.Del(HeaderGroup)
	h.Del("Accept-Encoding") // the usage must be readable; net/http asks for gzip and undoes it
	h.Del("Content-Length")
	if p.API == Anthropic && h.Get("Anthropic-Version") == "" {
		h.Set("Anthropic-Version", "2023-06-01")
	}
	key, err := p.Credential.get(ctx)
	switch {
	case err != nil:
		return nil, err
	case key == "":
	case p.API == OpenAI || p.Bearer:
		h.Set("Authorization", "Bearer "+key)
	case p.API == Azure:
		h.Set("Api-Key", key)
	case p.API == Anthropic:
		h.Set("X-Api-Key", key)
	}
	return h, nil
}
