package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
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
	a := answer{w: w, control: control, patience: p.cfg.Patience, clears: r.ProtoMajor > 1}
	a.flushes = resp.ContentLength < 0 // whatever has no length known is passed on as it comes
	w.WriteHeader(resp.StatusCode)
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		_ = control.Flush() // the header need not wait for the first event
	}
	if err := a.copy(resp.Body); err != nil {
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

// answer writes an answer to a client that may be slow, for as long as it takes
// something in from time to time.
type answer struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	clears   bool // the deadline ends a stream of HTTP/2 even while nothing is written
	flushes  bool
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (a *answer) copy(src io.Reader) error {
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			if werr := a.write(buf[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			_ = a.control.SetWriteDeadline(time.Now().Add(a.patience)) // what the server has in its buffer
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (a *answer) write(text []byte) error {
	_ = a.control.SetWriteDeadline(time.Now().Add(a.patience)) // not there in tests with a recorder
	_, err := a.w.Write(text)
	if err == nil && a.flushes {
		err = a.control.Flush()
	}
	if a.clears {
		_ = a.control.SetWriteDeadline(time.Time{})
	}
	return err
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
