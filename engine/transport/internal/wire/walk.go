package wire

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"unsafe"
)

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

// skipText returns the index behind the text whose first quote is at i. The text is
// valid, so that only quotes and the backslashes in front of them matter.
func skipText(text []byte, i int) int {
	for i++; i < len(text); {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		end := i + n
		slash := end
		for slash > i && text[slash-1] == '\\' {
			slash--
		}
		if (end-slash)%2 == 0 {
			return end + 1
		}
		i = end + 1
	}
	return len(text)
}

// Elements yields the values of a list; none if it is something else. The text is
// valid JSON.
func Elements(text []byte) iter.Seq[json.RawMessage] {
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

// Members yields the members of an object, name and value; none if it is something
// else. The text is valid JSON. A name shares its memory, which must not change while
// the name is used.
func Members(text []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for m := range entries(text) {
			if !yield(m.Name, text[m.From:m.To]) {
				return
			}
		}
	}
}

// entries yields the members of an object, each with where its value is.
func entries(text []byte) iter.Seq[Member] {
	return func(yield func(Member) bool) {
		i := space(text, 0)
		if i == len(text) || text[i] != '{' {
			return
		}
		for i = space(text, i+1); i < len(text) && text[i] != '}'; {
			start, end := i, skipText(text, i)
			name, _ := Text(text[i:end])
			i = min(space(text, end)+1, len(text)) // behind the colon
			i = space(text, i)
			end = skip(text, i)
			if !yield(Member{name, start, i, end}) {
				return
			}
			if i = space(text, end); i < len(text) && text[i] == ',' {
				i = space(text, i+1)
			}
		}
	}
}

// Get returns the last value of that name in an object, nil if there is none. The
// text is valid JSON.
func Get(text []byte, name string) json.RawMessage {
	var last json.RawMessage
	for n, v := range Members(text) {
		if n == name {
			last = v
		}
	}
	return last
}

// Unquote returns what a JSON text says; "" for a value that is none. It copies.
func Unquote(text json.RawMessage) string {
	s, shared := Text(text)
	if shared {
		return strings.Clone(s)
	}
	return s
}

// Text is Unquote that copies only a text with escapes. It reports whether the result
// shares the memory of its argument, which then must not change while it is used.
func Text(text json.RawMessage) (s string, shared bool) {
	if len(text) <= 2 || text[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return unsafe.String(&text[1], len(text)-2), true
	}
	return unescape(text), false
}

// unescape is apart from Text because its result is on the heap, escapes or not.
func unescape(text json.RawMessage) (s string) {
	if json.Unmarshal(text, &s) != nil {
		return "" // cannot be
	}
	return s
}

// Raw returns a text as a string that shares its memory, which then must not change
// while it is used.
func Raw(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
