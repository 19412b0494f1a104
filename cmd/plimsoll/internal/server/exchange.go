package server

import (
	"io"
	"net/http"
	"time"
)

// linger is how long what is left of a request is taken in after its answer, so that
// the answer is not lost to a reset.
const linger = 500 * time.Millisecond

// exchange is a request and its answer. It remembers the status, and ends the
// connection of a request of HTTP/1 that is answered before its body has wholly
// arrived: what is left of it would hold the answer up, for as long as a request may
// take. A stream of HTTP/2 ends by itself.
type exchange struct {
	http.ResponseWriter
	body   io.ReadCloser
	whole  bool // the body has been read to its end
	status int  // 0 = not answered
}

// withExchange puts an exchange between requests and their handler.
func withExchange(h http.Handler) http.Handler {
	_, guarded := h.(*Guard) // it says itself when a request is under way
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{ResponseWriter: w, body: r.Body, whole: r.ContentLength == 0 || r.ProtoMajor != 1}
		if !e.whole {
			r.Body = e
		}
		defer e.answer(http.StatusOK) // of a handler that has written nothing, or left by a panic
		if !guarded {
			defer underWay(r.Context())()
		}
		h.ServeHTTP(e, r)
	})
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

// answer is called before an answer's header goes out; the first call counts.
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
