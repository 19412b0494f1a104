package transport

import (
	"io"
	"sync/atomic"
)

// gather is a body that lies in several places. Reading copies it to the connection
// and nowhere else.
type gather struct {
	list [][]byte
	at   int          // in the first of them
	sent *atomic.Bool // is set when all of it has been read; nil = nothing is
}

// next goes on to the next place.
func (g *gather) next() {
	if g.list, g.at = g.list[1:], 0; len(g.list) == 0 && g.sent != nil {
		g.sent.Store(true)
	}
}

// Read implements [io.Reader].
func (g *gather) Read(b []byte) (n int, err error) {
	for len(g.list) > 0 && n < len(b) {
		k := copy(b[n:], g.list[0][g.at:])
		n += k
		if g.at += k; g.at == len(g.list[0]) {
			g.next()
		}
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// WriteTo implements [io.WriterTo].
func (g *gather) WriteTo(w io.Writer) (sum int64, err error) {
	for len(g.list) > 0 {
		n, err := w.Write(g.list[0][g.at:])
		sum += int64(n)
		if err != nil {
			g.at += n
			return sum, err
		}
		g.next()
	}
	return sum, nil
}

// Close implements [io.Closer].
func (g *gather) Close() error { return nil }
