package otlp

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// span is a request as it is told.
type span struct {
	trace        [16]byte
	id, parent   [8]byte // parent zero = none
	name         string
	begin, end   time.Time
	status       int
	keys, values [maxAttributes]string
	attributes   int
}

const maxAttributes = 8

// Wrap makes spans of the POST requests that a handler serves, which a mux has
// found a route for. A traceparent header names the span that they belong to; if
// it was not sampled, neither are they. A nil exporter leaves the handler as it is.
func (e *Exporter) Wrap(h http.Handler) http.Handler {
	if e == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &span{begin: time.Now(), status: http.StatusOK}
		sampled, ok := s.follow(r.Header.Get("Traceparent"))
		if r.Method != http.MethodPost || ok && !sampled {
			h.ServeHTTP(w, r)
			return
		}
		if !ok {
			fill(s.trace[:])
		}
		fill(s.id[:])
		r = r.WithContext(context.WithValue(r.Context(), spanKey{}, s))
		h.ServeHTTP(&statusWriter{w, &s.status}, r)
		if r.Pattern == "" || r.Pattern == "/" {
			return
		}
		s.name, s.end = r.Pattern, time.Now()
		e.send(s)
	})
}

type spanKey struct{}

// Annotate adds an attribute to the span of a request, if it has one. It belongs
// to the request's goroutine.
func Annotate(ctx context.Context, key, value string) {
	s, ok := ctx.Value(spanKey{}).(*span)
	if !ok || value == "" || s.attributes == maxAttributes {
		return
	}
	s.keys[s.attributes], s.values[s.attributes] = key, value
	s.attributes++
}

// follow takes over what a traceparent says: version, trace, parent and flags.
// Not ok: it is none.
func (s *span) follow(header string) (sampled, ok bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 ||
		len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 {
		return false, false
	}
	var trace [16]byte
	var parent [8]byte
	var flags [1]byte
	for _, f := range []struct {
		to   []byte
		from string
	}{{trace[:], parts[1]}, {parent[:], parts[2]}, {flags[:], parts[3]}} {
		if _, err := hex.Decode(f.to, []byte(f.from)); err != nil || strings.ToLower(f.from) != f.from {
			return false, false
		}
	}
	if trace == [16]byte{} || parent == [8]byte{} {
		return false, false
	}
	s.trace, s.parent = trace, parent
	return flags[0]&1 != 0, true
}

// fill makes a random ID, which is not zero but once in 2^64.
func fill(id []byte) {
	for i := 0; i < len(id); i += 8 {
		for j, n := 0, rand.Uint64(); j < 8; j, n = j+1, n>>8 {
			id[i+j] = byte(n)
		}
	}
}

// statusWriter remembers an answer's status.
type statusWriter struct {
	http.ResponseWriter
	status *int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
