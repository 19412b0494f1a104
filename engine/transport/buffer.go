package transport

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// sizes are the sizes, in bytes, of the memory into which bodies are read. Memory of larger
// bodies is not reused.
var sizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

var memory [len(sizes)]sync.Pool

// growth bounds the memory of a body, in multiples of the bytes received.
const growth = 16

// take returns empty memory for n bytes.
func take(n int64) []byte {
	for i, size := range sizes {
		if n <= int64(size) {
			if p, ok := memory[i].Get().(*[]byte); ok {
				return (*p)[:0]
			}
			return make([]byte, 0, size)
		}
	}
	return make([]byte, 0, n)
}

// give keeps memory to be reused.
func give(p []byte) {
	for i, size := range sizes {
		if cap(p) == size {
			memory[i].Put(&p)
			return
		}
	}
}

// buffer is the memory of a request's body, with a count of its users: the request until it
// was sent, and each attempt until its body was closed, which may be after the answer.
// Without a user the memory is reused for another body.
type buffer struct {
	text []byte
	held atomic.Int32
}

// fill reads a body of at most limit bytes; size is the declared length, negative if
// there is none. A declared length is not trusted: memory grows with the bytes received.
func (b *buffer) fill(r io.Reader, limit, size int64) error {
	b.held.Store(1)
	most := limit
	if size >= 0 {
		most = min(size+1, limit) // one more, so that the end is seen
	}
	b.text = take(min(most, int64(sizes[0])))
	for int64(len(b.text)) < limit {
		if len(b.text) == cap(b.text) {
			next := int64(len(b.text)) * growth
			if most > int64(len(b.text)) {
				next = min(next, most)
			}
			larger := append(take(next), b.text...)
			give(b.text)
			b.text = larger
		}
		n, err := r.Read(b.text[len(b.text):min(int64(cap(b.text)), limit)])
		b.text = b.text[:len(b.text)+n]
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// hold adds a user; false if the memory was given up already.
func (b *buffer) hold() bool {
	for {
		n := b.held.Load()
		if n <= 0 {
			return false
		}
		if b.held.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release removes a user.
func (b *buffer) release() {
	if b.held.Add(-1) == 0 {
		give(b.text)
		b.text = nil
	}
}
