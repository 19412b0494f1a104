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

// Member is a member of an object: its value is Text[From:To].
type Member struct {
	Name     string
	From, To int
}

var errNoObject = errors.New("it is not a JSON object")

// Parse validates a text and finds the named members of its object, at most 64, so
// that memory does not grow with the number of others. It fails for a text that is no
// object, and for one in which a named member stands twice or in another case: readers
// differ about which of them counts. The error holds nothing of the text but that name.
func Parse(text []byte, names []string) (Object, error) {
	if !Valid(text) {
		return Object{}, fault(text)
	}
	o := Object{Text: text, open: space(text, 0) + 1}
	if text[o.open-1] != '{' {
		return Object{}, errNoObject
	}
	var seen uint64
	for m := range entries(text) {
		bit, err := ambiguous(m.Name, names, seen)
		if err != nil {
			return Object{}, err
		}
		if bit != 0 {
			seen |= bit
			o.Members = append(o.Members, m)
		}
	}
	return o, nil
}

// ambiguous returns the bit of a named member. It fails for one that was seen before,
// or has another case.
func ambiguous(name string, names []string, seen uint64) (uint64, error) {
	for i, d := range names {
		if len(name) < len(d) || len(name) > 2*len(d) || !strings.EqualFold(name, d) {
			continue
		}
		if bit := uint64(1) << i; name == d && seen&bit == 0 {
			return bit, nil
		}
		return 0, fmt.Errorf("its member %q stands twice or in another case", d)
	}
	return 0, nil
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

// Value is what a member is to be: Text is valid JSON.
type Value struct {
	Name string
	Text []byte
}

// With returns a copy of the text with values replaced, and those that are missing
// put first. Those values are of named members; the object has a member at least.
func (o *Object) With(values []Value) []byte {
	size := len(o.Text)
	for _, v := range values {
		size += len(v.Name) + len(v.Text) + len(`"":,`)
	}
	out := append(make([]byte, 0, size), o.Text[:o.open]...)
	for _, v := range values {
		if o.Get(v.Name) == nil {
			out = append(out, Quote(v.Name)...)
			out = append(out, ':')
			out = append(out, v.Text...)
			out = append(out, ',')
		}
	}
	at := o.open
	for _, m := range o.Members {
		for _, v := range values {
			if v.Name == m.Name {
				out = append(out, o.Text[at:m.From]...)
				out = append(out, v.Text...)
				at = m.To
			}
		}
	}
	return append(out, o.Text[at:]...)
}

// Quote returns a text as JSON. It copies.
func Quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // cannot be: a string
	}
	return b
}
