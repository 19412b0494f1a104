package transport

import (
	"errors"
	"io"
	"sync"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// body is the body of an answer in JSON. It is passed on while its usage is read.
type body struct {
	src    io.ReadCloser
	call   *call
	blind  bool       // compressed: nothing can be read
	mu     sync.Mutex // Close may be called while Read runs
	finder wire.Finder
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.blind {
		b.finder.Write(p[:n])
	}
	switch {
	case b.finder.Complete(), errors.Is(err, io.EOF):
		b.call.saw(b.usage())
		b.call.finish()
	case err != nil:
		b.cut(err)
	}
	return n, err
}

// usage returns the usage read so far.
func (b *body) usage() usage {
	if u := b.finder.Get("usage"); len(u) > 0 && u[0] == '{' {
		return parseUsage(u)
	}
	return parseUsage(groqUsage(b.finder.Get("x_groq")))
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.mu.Lock()
	b.cut(nil)
	b.mu.Unlock()
	return b.src.Close()
}

// cut ends the call before the end of the answer; the usage may have been read already.
func (b *body) cut(err error) {
	if u := b.usage(); u.known() {
		b.call.saw(u)
		b.call.finish()
		return
	}
	b.call.cut(err)
}
