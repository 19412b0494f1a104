package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Event is a kind of problem around requests that operators must see.
type Event uint8

// The kinds of problems. Each is logged immediately, and then at most once a minute with
// the number of its occurrences.
const (
	HandlerPanic Event = iota
	TLSHandshake
	AcceptFailed
	DescriptorsExhausted
	ConnectionRefused
	RequestRefused // by a budget of requests in flight
	OtherServerError
	events
)

var eventNames = [events]string{
	"handler_panic", "tls_handshake", "accept_failed", "descriptors_exhausted", "connection_refused", "request_refused", "other",
}

var eventMessages = [events]string{
	"a request's handler failed", "a TLS handshake failed", "a connection could not be accepted", "no file descriptor is left for a new connection; raise LimitNOFILE or lower --max-connections",
	"a connection was refused", "a request was refused", "the server reports an error",
}

func (e Event) String() string { return eventNames[e] }

// eventGap is the least time between two log lines of a kind.
const eventGap = time.Minute

// Events counts problems and logs them at WARN or above. It is safe for concurrent
// use; a nil Events does nothing.
type Events struct {
	log    *slog.Logger
	now    func() time.Time
	counts [events]atomic.Int64

	mu     sync.Mutex
	last   [events]time.Time // when a line was written
	silent [events]int64     // since then
}

// NewEvents returns an Events that writes to log.
func NewEvents(log *slog.Logger) *Events { return &Events{log: log, now: time.Now} }

// Counts calls each with every kind and its number.
func (e *Events) Counts(each func(Event, int64)) {
	for k := range events {
		each(k, e.counts[k].Load())
	}
}

// Count counts one problem of a kind. The log has the detail of the first one in each
// minute.
func (e *Events) Count(k Event, detail string) {
	if e == nil {
		return
	}
	e.counts[k].Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent[k]++
	now := e.now()
	if !e.last[k].IsZero() && now.Sub(e.last[k]) < eventGap {
		return
	}
	n := e.silent[k]
	e.last[k], e.silent[k] = now, 0
	level := slog.LevelWarn
	if k == HandlerPanic {
		level = slog.LevelError
	}
	e.log.Log(context.Background(), level, "problem with a connection or request; more of its kind are counted for a minute", "kind", k.String(), "what", eventMessages[k], "count", n, "detail", detail)
}

// accept counts an error of a listener.
func (e *Events) accept(err error) {
	switch {
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		e.Count(DescriptorsExhausted, err.Error())
	case strings.Contains(err.Error(), "use of closed network connection"): // the server has shut down
	default:
		e.Count(AcceptFailed, err.Error())
	}
}

// Write takes a line of [http.Server.ErrorLog].
func (e *Events) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, "http: panic serving") || strings.HasPrefix(text, "http2: panic serving"):
		e.Count(HandlerPanic, text)
	case strings.HasPrefix(text, "http: TLS handshake error"):
		if !strings.HasSuffix(text, ": EOF") { // a port check, which sends nothing, is no problem
			e.Count(TLSHandshake, text)
		}
	case strings.HasPrefix(text, "http: Accept error"): // counted by the listener
	default:
		e.Count(OtherServerError, firstLine(text))
	}
	return len(line), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
