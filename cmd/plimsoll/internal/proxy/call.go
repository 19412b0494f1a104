package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// route is a handler of calls in one API's shape.
func (p *Proxy) route(s shape) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := p.served.Load()
		if !now.any {
			s.refuse(w, http.StatusNotFound, nothingServed)
			return
		}
		if !isJSON(r.Header) {
			s.refuse(w, http.StatusUnsupportedMediaType, "the header Content-Type must be application/json")
			return
		}
		p.call(w, r, s, now)
	})
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

// call passes a request on and its answer back.
func (p *Proxy) call(w http.ResponseWriter, r *http.Request, s shape, now *served) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // an answer may take minutes to begin
	in := newBody(p, r, control)
	defer in.release()
	out := new(http.Request)
	*out = *p.identified(w, r)
	out.Body = in
	resp, err := now.rt.RoundTrip(out)
	if err != nil {
		p.fail(w, r, s, in)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or given up
	answerHeader(w.Header(), resp.Header)
	p.headroom.set(w.Header(), s, resp.Header)
	if id := resp.Header[transport.HeaderDeployment]; len(id) > 0 {
		if shown := now.masked[id[0]]; shown != nil {
			w.Header()[transport.HeaderDeployment] = shown
		}
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		// It is the daemon that may not call, and such an answer may repeat its key.
		h := w.Header()
		h.Del("Content-Length")
		h.Del("Content-Encoding")
		s.refuse(w, http.StatusBadGateway, fmt.Sprintf("the provider refused the deployment's credential with status %d", resp.StatusCode))
		return
	}
	a := answer{w: w, control: control, patience: p.cfg.Patience, clears: r.ProtoMajor > 1, status: resp.StatusCode}
	a.stream = strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	a.flushes = resp.ContentLength < 0 // whatever has no length known is passed on as it comes
	a.whole = isJSON(resp.Header)
	switch err := a.copy(resp.Body); {
	case err == nil:
	case !a.begun: // nothing has been sent
		h := w.Header()
		h.Del("Content-Length")
		h.Del("Content-Encoding")
		s.refuse(w, http.StatusBadGateway, "the provider's answer broke off")
	default:
		panic(http.ErrAbortHandler) // the client must see that its answer is not whole
	}
}

// fail answers where no deployment has.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, s shape, in *body) {
	switch {
	case errors.Is(in.err, errTooMuch):
		w.Header().Set("Retry-After", "1")
		s.refuse(w, http.StatusServiceUnavailable, "too many bytes of requests are held in memory; try again")
	case errors.Is(in.err, os.ErrDeadlineExceeded):
		s.refuse(w, http.StatusRequestTimeout, "the body did not arrive in time")
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is there
	case in.err != nil:
		s.refuse(w, http.StatusBadRequest, "the body did not arrive whole")
	default:
		// The reason names addresses of the deployments' network: it is for the log,
		// which was told with the attempt.
		s.refuse(w, http.StatusBadGateway, "none of the deployments that were tried could be reached; the log says why")
	}
}

type idKey struct{}

// identified returns the request with its name in its context, if that will be
// asked for.
func (p *Proxy) identified(w http.ResponseWriter, r *http.Request) *http.Request {
	id := w.Header()["X-Request-Id"]
	if len(id) == 0 || !p.cfg.Log.Enabled(r.Context(), slog.LevelDebug) {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), idKey{}, id[0]))
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}
