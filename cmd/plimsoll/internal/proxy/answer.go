package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// answer writes an answer to a client that may be slow. It gives up only if one write
// takes longer than patience.
type answer struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	status   int
	clears   bool // the deadline ends a stream of HTTP/2 even while nothing is written
	flushes  bool
	stream   bool // of events
	whole    bool // a part is of no use to a client: the header waits until a buffer is full
	begun    bool // the header has been sent
}

// bufferSize is the size in bytes of the buffer of one answer.
const bufferSize = 32 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// copy sends a body to the client. If it fails while begun is false, it has sent nothing.
func (a *answer) copy(src io.Reader) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	if a.stream { // the header need not wait for the first event
		a.begin()
		_ = a.control.Flush()
	}
	n := 0
	for {
		more, err := src.Read(buf[n:])
		n += more
		if err == nil && a.whole && n < len(buf) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) && !a.begun && a.whole {
			return err
		}
		a.whole = false
		if n > 0 {
			if werr := a.write(buf[:n]); werr != nil {
				return werr
			}
		}
		n = 0
		if errors.Is(err, io.EOF) {
			a.begin()
			_ = a.control.SetWriteDeadline(time.Now().Add(a.patience)) // what the server has in its buffer
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (a *answer) begin() {
	if !a.begun {
		a.begun = true
		a.w.WriteHeader(a.status)
	}
}

func (a *answer) write(text []byte) error {
	switch {
	case a.status >= http.StatusBadRequest:
		scrubError(text)
	case a.stream:
		scrubEvents(text)
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(a.patience)) // an error means a recorder of a test
	a.begin()
	_, err := a.w.Write(text)
	if err == nil && a.flushes {
		err = a.control.Flush()
	}
	if a.clears {
		_ = a.control.SetWriteDeadline(time.Time{})
	}
	return err
}
