package proxy

import (
	"bytes"
	"errors"
)

var errCut = errors.New("the JSON is not complete")

// idOf returns the text at a path of members of an object that may be cut anywhere. It
// returns "" and true where the object is whole enough to say that there is none.
func idOf(text []byte, path ...string) (string, bool) {
	s := scanner{text: text}
	id, err := s.at(path)
	return id, err == nil
}

// scanner walks over JSON that may be cut. What is not JSON ends as something.
type scanner struct {
	text []byte
	i    int
}

func (s *scanner) space() {
	for s.i < len(s.text) && (s.text[s.i] == ' ' || s.text[s.i] == '\n' || s.text[s.i] == '\t' || s.text[s.i] == '\r') {
		s.i++
	}
}

// at returns the text at a path.
func (s *scanner) at(path []string) (string, error) {
	for s.space(); ; {
		if s.i == len(s.text) {
			return "", errCut
		}
		if s.text[s.i] != '{' {
			return "", nil
		}
		s.i++
		found, err := s.member(path[0])
		if err != nil || !found {
			return "", err
		}
		if path = path[1:]; len(path) == 0 {
			break
		}
	}
	if s.text[s.i] != '"' {
		return "", nil
	}
	from := s.i + 1
	if err := s.quoted(); err != nil {
		return "", err
	}
	id := s.text[from : s.i-1]
	if bytes.ContainsAny(id, `\<>&`) {
		return "", nil
	}
	return string(id), nil
}

// member goes to the value of a member of the object that it is in.
func (s *scanner) member(name string) (bool, error) {
	for {
		s.space()
		switch {
		case s.i == len(s.text):
			return false, errCut
		case s.text[s.i] == ',':
			s.i++
			continue
		case s.text[s.i] != '"':
			return false, nil
		}
		from := s.i + 1
		if err := s.quoted(); err != nil {
			return false, err
		}
		key := s.text[from : s.i-1]
		if s.space(); s.i == len(s.text) {
			return false, errCut
		}
		s.i++ // the colon
		if s.space(); s.i == len(s.text) {
			return false, errCut
		}
		if string(key) == name {
			return true, nil
		}
		if err := s.value(); err != nil {
			return false, err
		}
	}
}

// quoted goes behind a text.
func (s *scanner) quoted() error {
	for s.i++; s.i < len(s.text); s.i++ {
		switch s.text[s.i] {
		case '\\':
			s.i++
		case '"':
			s.i++
			return nil
		}
	}
	return errCut
}

// value goes behind a value.
func (s *scanner) value() error {
	for depth := 0; s.i < len(s.text); {
		switch s.text[s.i] {
		case '"':
			if err := s.quoted(); err != nil {
				return err
			}
		case '{', '[':
			depth++
			s.i++
			continue
		case '}', ']':
			if depth == 0 {
				return nil
			}
			depth--
			s.i++
		case ',':
			if depth == 0 {
				return nil
			}
			s.i++
			continue
		default:
			s.i++
			continue
		}
		if depth == 0 {
			return nil
		}
	}
	return errCut
}

// nesting is how deep in objects and lists a place in JSON lies, or in the data of events, where
// each event begins at zero.
type nesting struct {
	level         int
	text, escaped bool
	lines         int // line ends since the last other character
}

// pass goes over a text.
func (n *nesting) pass(text []byte) {
	for _, c := range text {
		switch {
		case c == '\n':
			if n.lines++; n.lines == 2 {
				*n = nesting{lines: 2}
			}
			continue
		case c == '\r':
			continue
		case n.escaped:
			n.escaped = false
		case n.text:
			n.escaped, n.text = c == '\\', c != '"'
		case c == '"':
			n.text = true
		case c == '{', c == '[':
			n.level++
		case c == '}', c == ']':
			n.level--
		}
		n.lines = 0
	}
}
