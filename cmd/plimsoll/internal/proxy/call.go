package proxy

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// caller returns the handler of calls of one operation, for every base of its path.
func (p *Proxy) caller(path string) handler {
	return func(w http.ResponseWriter, r *http.Request, s shape) {
		now := p.served.Load()
		if !now.any {
			s.refuse(w, http.StatusNotFound, nothingServed)
			return
		}
		if !isJSON(r.Header) && !isForm(r.Header, path) {
			s.refuse(w, http.StatusUnsupportedMediaType, "the header Content-Type must be application/json")
			return
		}
		v, err := p.arrive(w, r)
		if err != nil {
			s.refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		p.call(w, r, s, now, v, path)
	}
}

const nothingServed = "no deployment can be called: give the deployments of a group an endpoint in the configuration (plimsoll serve --config FILE; docs/CONFIG.md)"

func isJSON(h http.Header) bool {
	ct := h.Get("Content-Type")
	if ct == "application/json" {
		return true
	}
	kind, _, err := mime.ParseMediaType(ct)
	return err == nil && kind == "application/json"
}

// isForm reports whether a body is a form and the operation accepts one.
func isForm(h http.Header, path string) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data" && (strings.HasPrefix(path, "/audio/trans") || strings.HasPrefix(path, "/images/"))
}

// call sends a request by the transport and its answer to the client.
func (p *Proxy) call(w http.ResponseWriter, r *http.Request, s shape, now *served, v *visit, path string) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // an answer may take minutes to begin
	in := newBody(p, r, control)
	defer in.release()
	out := r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	out.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	if err := in.decode(r.Header); err != nil {
		s.refuse(w, http.StatusUnsupportedMediaType, err.Error())
		return
	}
	if in.encoded {
		out.ContentLength = -1
	}
	out.Body = in
	resp, err := now.rt.RoundTrip(out)
	if err != nil {
		p.fail(w, r, s, in)
		return
	}
	if strings.HasPrefix(path, "/responses") && resp.Header.Get(transport.HeaderDeployment) != "" {
		p.name(r, now, v, resp)
	}
	p.answer(w, r, s, now, resp)
}

// forward sends a request to the deployment that keeps its object. edit may change the
// answer; nil = it stays.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, s shape, now *served, deployment, path string, edit func(*http.Response)) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{})
	in := newBody(p, r, control)
	in.upload = true
	if err := in.decode(r.Header); err != nil {
		s.refuse(w, http.StatusUnsupportedMediaType, err.Error())
		return
	}
	out := new(http.Request)
	*out = *r
	out.Body = in
	if in.encoded {
		out.ContentLength = -1
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	resp, err := now.rt.Forward(out, deployment, path)
	if err != nil {
		if p.failures.due() {
			p.cfg.Log.Warn("deployment did not respond (one line per second at most)", "deployment", p.cfg.Mask(deployment), "error", p.cfg.Mask(err.Error()))
		}
		p.fail(w, r, s, in)
		return
	}
	if edit != nil {
		edit(resp)
	}
	p.answer(w, r, s, now, resp)
}

// answer passes an answer back.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, s shape, now *served, resp *http.Response) {
	control := http.NewResponseController(w)
	defer resp.Body.Close() //nolint:errcheck // the body was read to its end or is not needed
	answerHeader(w.Header(), resp.Header)
	boundWait(w.Header(), resp.StatusCode)
	p.headroom.set(w.Header(), s, resp.Header)
	if id := resp.Header[transport.HeaderDeployment]; len(id) > 0 {
		if shown := now.masked[id[0]]; shown != nil {
			w.Header()[transport.HeaderDeployment] = shown
		}
	}
	own := resp.Header.Get(transport.HeaderDeployment) == "" // the provider refused the client's call, not the deployment's key
	if !own && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
		// The provider refused the daemon's key, and such an answer may repeat the key.
		h := w.Header()
		h.Del("Content-Length")
		h.Del("Content-Encoding")
		s.refuse(w, http.StatusBadGateway, fmt.Sprintf("the provider refused the deployment's credential with status %d", resp.StatusCode))
		return
	}
	a := answer{w: w, control: control, patience: p.cfg.Patience, clears: r.ProtoMajor > 1, status: resp.StatusCode}
	a.stream = strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	a.flushes = resp.ContentLength < 0 // an answer of unknown length is sent on as it arrives
	a.whole = isJSON(resp.Header)
	switch err := a.copy(resp.Body); {
	case err == nil:
	case !a.begun: // nothing has been sent yet
		h := w.Header()
		h.Del("Content-Length")
		h.Del("Content-Encoding")
		s.refuse(w, http.StatusBadGateway, "the provider's answer broke off")
	default:
		panic(http.ErrAbortHandler) // the client must see that its answer is incomplete
	}
}

// fail answers a call that no deployment has answered.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, s shape, in *body) {
	switch {
	case errors.Is(in.err, errTooMuch):
		w.Header().Set("Retry-After", "1")
		s.refuse(w, http.StatusServiceUnavailable, "too many bytes of requests are held in memory; try again")
	case errors.Is(in.err, os.ErrDeadlineExceeded):
		s.refuse(w, http.StatusRequestTimeout, "the body did not arrive in time")
	case errors.Is(in.err, errTooLarge):
		s.refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes, the most that is accepted", maxUpload))
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client has gone
	case in.err != nil:
		s.refuse(w, http.StatusBadRequest, "the body did not arrive whole, or is not encoded as its header says")
	default:
		// The error contains addresses of the deployments' network. It was logged with the
		// attempt, and the client must not receive it.
		s.refuse(w, http.StatusBadGateway, "none of the deployments that were tried could be reached; see the log for the reason")
	}
}
