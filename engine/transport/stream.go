package transport

import (
	"bytes"
	"errors"
	"io"
)

const (
	// maxEvent is the size of the largest event of a stream that is looked at, in
	// bytes. Larger ones pass unseen.
	maxEvent = 4 << 20
	// leastRead is the room for one reading from the provider.
	leastRead = 4 << 10
	// maxPreamble is how many events are looked at to tell a refusal.
	maxPreamble = 4
)

// A stream passes an answer's events on as each is complete, reads their usage,
// and leaves out those that the client did not ask for.
// The form of events: https://html.spec.whatwg.org/multipage/server-sent-events.html
// (without lines that end in a carriage return alone).
type stream struct {
	src    io.ReadCloser
	call   *call
	events events

	buf   []byte
	at    int // buf[at:ready] is for the reader
	ready int // an event begins here
	line  int // a line begins here; below 0 if its beginning has been passed on
	scan  int // searched up to here
	large bool
	seen  int // events
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

// refused reads the beginning of a stream and reports whether it is a refusal.
// What was read stays for the reader.
func (s *stream) refused() bool {
	for s.err == nil && s.seen < maxPreamble && !s.events.begun && !s.call.refusedEarly() {
		s.fill()
	}
	return s.call.refusedEarly()
}

// fill reads once from the provider.
func (s *stream) fill() {
	if s.at == s.ready && s.at > 0 {
		n := copy(s.buf, s.buf[s.ready:])
		s.buf = s.buf[:n]
		s.line, s.scan = s.line-s.ready, s.scan-s.ready
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
	if tail := s.buf[s.ready:]; len(tail) > 0 && !s.large && errors.Is(err, io.EOF) {
		s.events.event(s.call, tail) // without the blank line that ends it
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
		i := bytes.IndexByte(s.buf[s.scan:], '\n')
		if i < 0 {
			s.scan = len(s.buf)
			break
		}
		end := s.scan + i
		blank := end == s.line || end == s.line+1 && s.buf[end-1] == '\r'
		s.scan, s.line = end+1, end+1
		if blank {
			s.event()
		}
	}
	if len(s.buf)-s.ready > maxEvent {
		s.large = true
		s.ready = len(s.buf) - 1
	}
}

// event decides on the event from ready to scan.
func (s *stream) event() {
	keep := s.large || s.events.event(s.call, s.buf[s.ready:s.scan])
	s.large = false
	s.seen++
	if s.events.over {
		s.call.finish()
	}
	if keep {
		s.ready = s.scan
		return
	}
	s.buf = append(s.buf[:s.ready], s.buf[s.scan:]...)
	s.scan, s.line = s.ready, s.ready
}
