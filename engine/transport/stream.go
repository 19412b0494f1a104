package transport

import (
	"errors"
	"io"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

const (
	// maxEvent is the size in bytes of the largest event of a stream that is read whole. Of
	// larger ones, such as the end of a response that repeats its images, only the name and
	// the last maxTail bytes are read: the rest is passed on.
	maxEvent = 4 << 20
	maxTail  = 64 << 10
	// leastRead is the size in bytes of the buffer of one read from the provider.
	leastRead = 4 << 10
)

// A stream is the body of a streamed answer. It passes each event on once it is complete, reads
// its usage, and leaves out the events that the client has not requested.
type stream struct {
	src    io.ReadCloser
	call   *call
	events events

	buf   []byte
	at    int // buf[at:ready] is for the reader
	ready int // an event begins here
	ends  wire.Splitter
	large string // the name of the event whose beginning has been passed on; "" = none has
	drops bool   // the event before was left out
	err   error
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.at == s.ready {
		if s.err != nil {
			return 0, s.err
		}
		s.fill()
	}
	n := copy(p, s.buf[s.at:s.ready])
	s.at += n
	return n, nil
}

// Close implements [io.Closer].
func (s *stream) Close() error {
	s.call.cut(nil)
	return s.src.Close()
}

// fill reads once from the provider.
func (s *stream) fill() {
	if s.at == s.ready && s.at > 0 {
		n := copy(s.buf, s.buf[s.ready:])
		s.buf = s.buf[:n]
		s.ends.Drop(s.ready)
		s.at, s.ready = 0, 0
	}
	if cap(s.buf)-len(s.buf) < leastRead {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)+leastRead), s.buf...)
	}
	n, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	s.split()
	if err == nil {
		return
	}
	s.err = err
	if tail := s.buf[s.ready:]; len(tail) > 0 && errors.Is(err, io.EOF) {
		s.event(len(s.buf)) // without the blank line that ends it
	}
	s.ready = len(s.buf)
	if errors.Is(err, io.EOF) && s.events.whole() {
		s.call.finish()
	} else {
		s.call.cut(err)
	}
}

// split looks at the events that have become complete.
func (s *stream) split() {
	for {
		end, rest := s.ends.Next(s.buf)
		if end == 0 {
			break
		}
		keep := !s.drops
		if !rest {
			keep = s.event(end)
		}
		s.drops = !keep
		if keep {
			s.ready = end
			continue
		}
		s.buf = append(s.buf[:s.ready], s.buf[end:]...)
		s.ends.Drop(end - s.ready)
	}
	if len(s.buf)-s.ready > maxEvent {
		if s.large == "" {
			s.large = headOf(s.buf[s.ready:])
		}
		s.ready = len(s.buf) - maxTail
	}
}

// event looks at the event that ends at end, and reports whether the client should
// see it.
func (s *stream) event(end int) (keep bool) {
	if s.large != "" {
		s.events.end(s.call, s.large, s.buf[s.ready:end])
		s.large, keep = "", true
	} else {
		keep = s.events.event(s.call, s.buf[s.ready:end])
	}
	if s.events.over {
		s.call.finish()
	}
	return keep
}
