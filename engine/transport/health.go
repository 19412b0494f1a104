package transport

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// A client that gives up is weak evidence against its deployment: people and programs
// stop for reasons of their own. It counts after giveUpLeast, and giveUpTimes what the
// deployment usually takes; it ranks the deployment behind others, and only where
// giveUpClients different ones agree, with no answer between them, it cools down.
const (
	giveUpLeast   = 30 * time.Second
	giveUpTimes   = 3
	giveUpClients = 3
)

// failingCalls is how many calls in a row fail before a deployment is known to. By then
// it cools down, unless it is the only one or configured otherwise.
const failingCalls = 2

// health is what the transport remembers of a deployment, whatever its configuration.
type health struct {
	usual  [2]atomic.Int64 // ns to the first byte: of answers, of streams; 0 = not known
	failed atomic.Int32    // calls in a row that it may have worked on and that failed
	since  atomic.Int64    // when they were failingCalls, Unix ns; 0 = they are not
	mu     sync.Mutex
	gone   []string // the clients that gave up since the last answer
}

// fails takes in a call that the deployment may have worked on and that failed.
func (h *health) fails() {
	if h.failed.Add(1) == failingCalls {
		h.since.Store(time.Now().UnixNano())
	}
}

// serves takes in an answer.
func (h *health) serves() {
	if h.failed.Load() != 0 {
		h.since.Store(0)
		h.failed.Store(0)
	}
}

// failing reports whether the deployment was known to fail at an instant.
func (h *health) failing(at time.Time) bool {
	since := h.since.Load()
	return since != 0 && since < at.UnixNano()
}

// answered takes in the time to the first byte.
func (h *health) answered(stream bool, after time.Duration) {
	u := &h.usual[index(stream)]
	old := u.Load()
	if old == 0 {
		old = int64(after)
	}
	u.Store(old + (int64(after)-old)/8) // a lost update does no harm
	h.mu.Lock()
	h.gone = h.gone[:0]
	h.mu.Unlock()
}

// gaveUp takes in that a client gave up, and returns what that says of the deployment.
func (h *health) gaveUp(client string, stream bool, after time.Duration) (s provider.Signal, counts bool) {
	if after < giveUpLeast || after < giveUpTimes*time.Duration(h.usual[index(stream)].Load()) {
		return s, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.gone) < giveUpClients && !slices.Contains(h.gone, client) {
		h.gone = append(h.gone, client)
	}
	if len(h.gone) < giveUpClients {
		return provider.Signal{Kind: provider.Other, Weak: true}, true
	}
	h.gone = h.gone[:0]
	return provider.Signal{Kind: provider.Overloaded}, true
}

func index(stream bool) int {
	if stream {
		return 1
	}
	return 0
}

// clientOf names who sent a request: by the configuration, else by its address.
func (t *Transport) clientOf(in *http.Request) string {
	if t.client != nil {
		return t.client(in)
	}
	host, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		return in.RemoteAddr
	}
	return host
}
