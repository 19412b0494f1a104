package transport

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// gather is a body that lies in several places. Reading copies it to the connection
// and nowhere else. Close may come while a read is under way, and ends its use of the
// memory.
type gather struct {
	mu   sync.Mutex
	list [][]byte
	at   int          // in the first of them
	sent *atomic.Bool // is set when all of it has been read; nil = nothing is
	from *buffer      // held until Close; nil afterwards
}

var errClosed = errors.New("transport: the body was closed")

// newGather returns a body of pieces in a buffer; an error where that is given up.
func newGather(list [][]byte, from *buffer, sent *atomic.Bool) (*gather, error) {
	if !from.hold() {
		return nil, errClosed
	}
	return &gather{list: list, from: from, sent: sent}, nil
}

// Read implements [io.Reader].
func (g *gather) Read(b []byte) (n int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from == nil {
		return 0, errClosed
	}
	for len(g.list) > 0 && n < len(b) {
		k := copy(b[n:], g.list[0][g.at:])
		n += k
		if g.at += k; g.at == len(g.list[0]) {
			if g.list, g.at = g.list[1:], 0; len(g.list) == 0 && g.sent != nil {
				g.sent.Store(true)
			}
		}
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close implements [io.Closer].
func (g *gather) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from != nil {
		g.from.release()
		g.from, g.list = nil, nil
	}
	return nil
}
