package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Object is a JSON object as text, and where the values of its named members are, so
// that some can be replaced and all others stay as they were, byte for byte. Make one
// with [Parse]; the zero Object is empty.
type Object struct {
	Text    []byte
	Members []Member // the named ones, in the order of the text
	open    int      // just behind the brace
}

// Member is a member of an object: its name begins at Text[Start], its value is
// Text[From:To].
type Member struct {
	Name            string
	Start, From, To int
}

var errNoObject = errors.New("it is not a JSON object")

// Parse validates a text and finds the named members of its object, at most 64, so
// that memory does not grow with the number of others. It fails for a text that is no
// object, and for one in which a named member stands twice or in another case: readers
// differ about which of them counts. The error holds nothing of the text but that name.
func Parse(text []byte, names []string) (Object, error) {
	o := Object{Text: text}
	var seen uint64
	var doubt error
	found := func(start, from, to int) {
		bit, name, err := ambiguous(text[start:from], names, seen)
		if err != nil && doubt == nil {
			doubt = err
		}
		if bit != 0 {
			seen |= bit
			o.Members = append(o.Members, Member{name, start, from, to})
		}
	}
	if !validate(text, found) {
		return Object{}, fault(text)
	}
	if doubt != nil {
		return Object{}, doubt
	}
	if o.open = space(text, 0) + 1; text[o.open-1] != '{' {
		return Object{}, errNoObject
	}
	return o, nil
}

// ambiguous returns the bit of a named member, and its name. It fails for one that was
// seen before, or has another case. The head is what stands in front of the value.
func ambiguous(head []byte, names []string, seen uint64) (uint64, string, error) {
	quoted := head[:skipText(head, 0)]
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(Unquote(quoted))
	}
	for i, d := range names {
		if len(name) < len(d) || len(name) > 2*len(d) || !foldEqual(name, d) {
			continue
		}
		if bit := uint64(1) << i; string(name) == d && seen&bit == 0 {
			return bit, d, nil
		}
		return 0, "", fmt.Errorf("its member %q stands twice or in another case", d)
	}
	return 0, "", nil
}

// foldEqual is [strings.EqualFold] with a look at the first byte.
func foldEqual(name []byte, d string) bool {
	if first := name[0]; first < 0x80 && first|' ' != d[0] {
		return false
	}
	return strings.EqualFold(string(name), d)
}

// fault says why a text is not JSON.
func fault(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	var first json.RawMessage
	switch err := dec.Decode(&first); {
	case err == nil:
		return errors.New("something follows its JSON")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("its JSON is incomplete")
	}
	return errors.New("it is not JSON")
}

// Get returns the value of a named member; nil if there is none.
func (o *Object) Get(name string) json.RawMessage {
	for i := range o.Members {
		if m := &o.Members[i]; m.Name == name {
			return o.Text[m.From:m.To]
		}
	}
	return nil
}

// Value is what a member is to be: Text is valid JSON, or nil to remove the member.
type Value struct {
	Name string
	Text []byte
}

// With returns the text in pieces, with values replaced or removed, and those that are
// missing put first. The pieces share the text; no more is allocated than they and what
// is put first need. The values are of named members, each at most once, and at least
// one member of the object stays.
func (o *Object) With(values []Value) [][]byte {
	var first []byte
	for _, v := range values {
		if v.Text != nil && o.Get(v.Name) == nil {
			first = append(first, Quote(v.Name)...)
			first = append(first, ':')
			first = append(first, v.Text...)
			first = append(first, ',')
		}
	}
	out := make([][]byte, 0, 3+2*len(values))
	out = append(out, o.Text[:o.open])
	if len(first) > 0 {
		out = append(out, first)
	}
	at := o.open
	for i := range o.Members {
		m := &o.Members[i]
		for _, v := range values {
			switch {
			case v.Name != m.Name:
			case v.Text != nil:
				out = append(out, o.Text[at:m.From], v.Text)
				at = m.To
			default:
				if comma := before(o.Text, m.Start); comma >= at {
					out = append(out, o.Text[at:comma])
					at = m.To
				} else { // nothing of the object stands in front
					out = append(out, o.Text[at:m.Start])
					at = behindComma(o.Text, m.To)
				}
			}
		}
	}
	return append(out, o.Text[at:])
}

// before returns the index of the last character in front of i that is no white space.
func before(text []byte, i int) int {
	for i--; i >= 0 && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r'); i-- {
	}
	return i
}

// behindComma returns the index behind the comma that follows a value; behind the value
// if none does.
func behindComma(text []byte, i int) int {
	if j := space(text, i); j < len(text) && text[j] == ',' {
		return j + 1
	}
	return i
}

// Quote returns a text as JSON. It copies.
func Quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // cannot be: a string
	}
	return b
}
