package server

import (
	"io"
	"net/http"
	"time"
)

// After an early answer the server reads the rest of the request, so that a client that
// sends everything before it reads does not lose the answer to a TCP reset: lingerStep bytes
// within each linger, and lingerMost in all. Meanwhile the connection may be closed for
// another one.
const (
	linger     = 500 * time.Millisecond
	lingerStep = 256 << 10
	lingerMost = 5 * time.Second
)

// exchange is a request and its answer. It records the status. It closes the connection of
// an HTTP/1 request that is answered before its body has arrived, because the server would
// otherwise read the rest before it sends the answer. A stream of HTTP/2 ends by itself.
type exchange struct {
	http.ResponseWriter
	body   io.ReadCloser
	whole  bool // the body has been read to its end
	status int  // 0 = not answered yet
}

// withExchange puts an exchange between requests and their handler.
func withExchange(h http.Handler) http.Handler {
	_, guarded := h.(*Guard) // a Guard marks requests as in flight itself
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{ResponseWriter: w, body: r.Body, whole: r.ContentLength == 0 || r.ProtoMajor != 1}
		if !e.whole {
			r.Body = e
		}
		defer e.answer(http.StatusOK) // for a handler that has written nothing, or ended by a panic
		if !guarded {
			defer inFlight(r.Context())()
		}
		h.ServeHTTP(e, r)
		e.drain()
	})
}

// drain flushes the answer of a request that was answered early, and reads the rest of its
// body.
func (e *exchange) drain() {
	if e.whole {
		return
	}
	e.answer(http.StatusOK)
	control := http.NewResponseController(e.ResponseWriter)
	if control.Flush() != nil {
		return
	}
	for end := time.Now().Add(lingerMost); time.Now().Before(end); {
		if control.SetReadDeadline(time.Now().Add(linger)) != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, e.body, lingerStep); err != nil {
			return
		}
	}
}

// Read implements [io.Reader].
func (e *exchange) Read(p []byte) (int, error) {
	n, err := e.body.Read(p)
	if err == io.EOF {
		e.whole = true
	}
	return n, err
}

// Close implements [io.Closer].
func (e *exchange) Close() error { return e.body.Close() }

// WriteHeader implements [http.ResponseWriter].
func (e *exchange) WriteHeader(status int) {
	if status >= http.StatusOK {
		e.answer(status)
	}
	e.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (e *exchange) Write(p []byte) (int, error) {
	e.answer(http.StatusOK)
	return e.ResponseWriter.Write(p)
}

// answer is called before an answer's header is sent; later calls change nothing.
func (e *exchange) answer(status int) {
	if e.status != 0 {
		return
	}
	e.status = status
	if !e.whole {
		e.Header()["Connection"] = []string{"close"}
		_ = http.NewResponseController(e.ResponseWriter).SetReadDeadline(time.Now().Add(linger))
	}
}

// Unwrap is for [http.ResponseController].
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }
