package valkeystore

import (
	"errors"
	"net"
)

// Bounds of a reply. The client allocates as much memory as a reply announces before it
// arrives, so a wrong announcement would exhaust the process's memory.
const (
	maxBlob     = 16 << 20 // bytes
	maxElements = 1 << 20
	maxNesting  = 16
	maxLine     = 64 << 10
)

var errNotValkey = errors.New("the server does not use Valkey's protocol: check the address and whether it needs TLS")

// checked is a connection that fails when a reply exceeds these bounds or is not RESP.
type checked struct {
	net.Conn
	scan scanner
	bad  bool
}

func (c *checked) Read(p []byte) (int, error) {
	if c.bad {
		return 0, errNotValkey
	}
	n, err := c.Conn.Read(p)
	if !c.scan.take(p[:n]) {
		c.bad = true
		return 0, errNotValkey
	}
	return n, err
}

// scanner parses the framing of replies (RESP2 and RESP3) without their contents.
type scanner struct {
	skip   int64 // remaining bytes of a blob
	line   int   // bytes of the current line so far
	kind   byte
	length int64
	minus  bool
	open   [maxNesting]level
	depth  int
}

// level is an incomplete reply of several parts.
type level struct {
	left      int64
	attribute bool // an attribute precedes a reply and is not one itself
}

// take parses the next bytes of the stream and reports whether they are valid.
func (s *scanner) take(p []byte) bool {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			if p = p[n:]; s.skip == 0 {
				s.done()
			}
			continue
		}
		c := p[0]
		p = p[1:]
		switch {
		case s.line == 0:
			s.kind, s.length, s.minus = c, 0, false
		case c == '\n':
			s.line = 0
			if !s.end() {
				return false
			}
			continue
		case s.sized() && !s.digit(c):
			return false
		}
		if s.line++; s.line > maxLine {
			return false
		}
	}
	return true
}

// sized reports whether the line announces a length.
func (s *scanner) sized() bool {
	switch s.kind {
	case '$', '!', '=', '*', '%', '~', '>', '|', ';':
		return true
	}
	return false
}

func (s *scanner) digit(c byte) bool {
	switch {
	case c == '-' && s.line == 1:
		s.minus = true
	case c >= '0' && c <= '9':
		s.length = s.length*10 + int64(c-'0')
	case c != '\r':
		return false
	}
	return s.length <= maxBlob
}

// end handles the end of a line.
func (s *scanner) end() bool {
	if s.minus {
		s.done()
		return s.length == 1 // -1 is nil
	}
	switch s.kind {
	case '$', '!', '=':
		s.skip = s.length + 2
		return true
	case ';':
		return false // a streamed blob, which no server sends
	case '*', '~', '>', '%', '|':
		n := s.length
		if s.kind == '%' || s.kind == '|' {
			n *= 2
		}
		if n > maxElements || s.depth == maxNesting {
			return false
		}
		s.open[s.depth] = level{n, s.kind == '|'}
		s.depth++
		s.close()
		return true
	}
	s.done()
	return true
}

// done counts a complete part.
func (s *scanner) done() {
	if s.depth > 0 {
		s.open[s.depth-1].left--
		s.close()
	}
}

// close removes the complete levels. Each counts as a part of the level around it.
func (s *scanner) close() {
	for s.depth > 0 && s.open[s.depth-1].left <= 0 {
		s.depth--
		if s.depth > 0 && !s.open[s.depth].attribute {
			s.open[s.depth-1].left--
		}
	}
}
