package transport

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// place is an endpoint, its URL parsed.
type place struct {
	Endpoint
	id     string
	base   *url.URL
	quoted []byte // Model, as JSON
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
		out.of[id] = &place{Endpoint: ep, id: id, base: base, quoted: quote(ep.Model)}
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

// keptFrom reports whether a header of the client's is not for a provider: it is a
// credential or says whose, it speaks of the client's own connection or of where
// the client is, or the transport has its own.
func keptFrom(name string) bool {
	switch name {
	case "Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie", "Openai-Organization", "Openai-Project",
		"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip", "Via", "Origin", "Referer",
		HeaderGroup, "Content-Length",
		"Accept-Encoding": // the usage must be readable; net/http asks for gzip and undoes it
		return true
	}
	return false
}

// header returns the client's header with the endpoint's credential in place of
// the client's. It shares the client's values.
func (p *place) header(ctx context.Context, client http.Header) (http.Header, error) {
	h := make(http.Header, len(client)+2)
	for name, values := range client {
		if !keptFrom(http.CanonicalHeaderKey(name)) {
			h[name] = values
		}
	}
	for _, list := range client["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
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
