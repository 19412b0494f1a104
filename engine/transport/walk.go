package transport

import (
	"bytes"
	"encoding/json"
	"iter"
)

// The functions here take text that is known to be valid JSON, and look at it
// once, where encoding/json would check it anew at every level.

// space returns the first index from i that is no white space.
func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skip returns the index behind the value that begins at i.
func skip(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipText(text, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r': // between values
			i++
			continue
		default:
			i = skipWord(text, i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// skipWord returns the index behind the number, true, false or null that begins at
// i.
func skipWord(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case ',', ':', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

// skipText returns the index behind the text whose first quote is at i.
func skipText(text []byte, i int) int {
	for i++; i < len(text); i += 2 {
		if i = special(text, i); i < len(text) && text[i] == '"' {
			return i + 1
		}
	}
	return len(text)
}

// elements yields the values of a list; none if it is something else.
func elements(text []byte) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		i := space(text, 0)
		if i == len(text) || text[i] != '[' {
			return
		}
		for i = space(text, i+1); i < len(text) && text[i] != ']'; {
			end := skip(text, i)
			if !yield(text[i:end]) {
				return
			}
			if i = space(text, end); i < len(text) && text[i] == ',' {
				i = space(text, i+1)
			}
		}
	}
}

// entries yields the members of an object, each with where its value is; none if
// it is something else.
func entries(text []byte) iter.Seq2[string, member] {
	return func(yield func(string, member) bool) {
		i := space(text, 0)
		if i == len(text) || text[i] != '{' {
			return
		}
		for i = space(text, i+1); i < len(text) && text[i] != '}'; {
			end := skipText(text, i)
			name := unquote(text[i:end])
			i = space(text, end)
			i = space(text, i+1) // the colon
			end = skip(text, i)
			if !yield(name, member{name, i, end}) {
				return
			}
			if i = space(text, end); i < len(text) && text[i] == ',' {
				i = space(text, i+1)
			}
		}
	}
}

// unquote returns what a text says; "" for a value that is none.
func unquote(text json.RawMessage) string {
	if len(text) < 2 || text[0] != '"' {
		return ""
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return "" // cannot be
	}
	return s
}
