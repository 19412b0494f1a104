package proxy

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// name makes the ids of responses in an answer be replaced by the client's ids.
func (p *Proxy) name(r *http.Request, now *served, v *visit, resp *http.Response) {
	kind := resp.Header.Get("Content-Type")
	stream := strings.HasPrefix(kind, "text/event-stream")
	if resp.StatusCode >= http.StatusBadRequest || !stream && !isJSON(resp.Header) {
		return
	}
	at, ok := now.pins[hash(unescaped(resp.Header.Get(transport.HeaderDeployment)))]
	if !ok {
		return
	}
	body := &renamed{src: resp.Body, stream: stream}
	if v.raw != "" {
		body.swaps = append(body.swaps, quotedSwap(v.raw, v.ask))
	}
	body.name = func(raw string) string {
		if raw == v.raw {
			return ""
		}
		id, err := p.seal(r.Context(), at, p.callerOf(r), raw)
		if err != nil {
			return "" // cannot happen
		}
		return id
	}
	resp.Body, resp.ContentLength = body, -1
	resp.Header.Del("Content-Length")
}

// unescaped is the opposite of [escaped].
func unescaped(text string) string {
	s, err := strconv.Unquote(`"` + text + `"`)
	if err != nil {
		return text
	}
	return s
}

// pinned answers requests about a response: they go to the deployment that keeps it.
func (p *Proxy) pinned(action string) handler {
	return func(w http.ResponseWriter, r *http.Request, s shape) {
		id := r.PathValue("id")
		now := p.served.Load()
		v := &visit{caller: p.callerOf(r)}
		at, raw, err := p.open(r.Context(), now, v.caller, id)
		if err != nil || now.rt == nil {
			s.refuse(w, http.StatusNotFound, "Response with id "+strconv.Quote(shortened(id))+" not found: it must have been created by this token through this proxy.")
			return
		}
		v.raw, v.ask = raw, id
		p.forward(w, r, s, now, at.id, "/responses/"+url.PathEscape(raw)+action, func(resp *http.Response) { p.name(r, now, v, resp) })
	}
}
