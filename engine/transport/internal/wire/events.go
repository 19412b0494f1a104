package wire

import "bytes"

// A Splitter finds where events end in a buffer to which text is appended. The zero
// Splitter stands at the buffer's beginning.
type Splitter struct {
	scan, line int  // searched up to here; a line begins here
	cr         bool // the byte before scan is a CR: an LF that follows belongs to it
	ended      bool // that CR ended an event
}

// Next returns the index behind the next event that is complete in buf, with the
// blank line that ends it; 0 if there is none yet. The buffer holds what it held
// before, and more.
//
// Behind an event that ends in a CR the LF that belongs to it may still come: then
// Next returns the index behind that LF, and rest is true.
func (s *Splitter) Next(buf []byte) (end int, rest bool) {
	for s.scan < len(buf) {
		if s.cr {
			ended := s.ended
			s.cr, s.ended = false, false
			if buf[s.scan] == '\n' {
				s.scan++
				s.line = s.scan
				if ended {
					return s.scan, true
				}
				continue
			}
		}
		i := lineEnd(buf[s.scan:])
		if i < 0 {
			s.scan = len(buf)
			return 0, false
		}
		at := s.scan + i
		blank := at == s.line
		next := at + 1
		if buf[at] == '\r' {
			switch {
			case next == len(buf):
				s.cr, s.ended = true, blank
			case buf[next] == '\n':
				next++
			}
		}
		s.scan, s.line = next, next
		if blank {
			return next, false
		}
	}
	return 0, false
}

// Drop says that the first n bytes of the buffer were taken away, which Next has
// passed.
func (s *Splitter) Drop(n int) { s.scan, s.line = s.scan-n, s.line-n }

// lineEnd returns the index of the first LF or CR, -1 if there is none.
func lineEnd(text []byte) int {
	const step = 512 // so that a text with one kind alone is not searched again for each line
	for from := 0; from < len(text); from += step {
		part := text[from:min(from+step, len(text))]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		if j := bytes.IndexByte(part, '\r'); j >= 0 {
			i = j
		}
		if i >= 0 {
			return from + i
		}
	}
	return -1
}

var mark = []byte("\ufeff") // may stand before the first event

// Fields returns the name and the data of one event. The lines of data are joined,
// which copies if there are several. Both are nil for comments.
func Fields(event []byte) (name, data []byte) {
	event = bytes.TrimPrefix(event, mark)
	lines := 0
	for len(event) > 0 {
		line := event
		if i := lineEnd(event); i >= 0 {
			line, event = event[:i], event[i+1:]
		} else {
			event = nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case string(field) == "event":
			name = value
		case string(field) != "data":
		case lines == 0:
			data, lines = value, 1
		default:
			if lines == 1 {
				data = bytes.Clone(data)
			}
			data, lines = append(append(data, '\n'), value...), 2
		}
	}
	return name, data
}
