package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// object is a JSON object as text, and where the values of its members are, so
// that some can be replaced and all others stay as they were, byte for byte.
type object struct {
	text    []byte
	open    int // just behind the brace
	members []member
}

type member struct {
	name     string
	from, to int
}

var errNoObject = errors.New("it is not a JSON object")

// parseObject finds the members. Where a body is no object, the error says why, in
// words that hold nothing of it.
func parseObject(text []byte) (object, error) {
	if !valid(text) {
		return object{}, fault(text)
	}
	o := object{text: text, open: space(text, 0) + 1}
	if text[o.open-1] != '{' {
		return object{}, errNoObject
	}
	for _, m := range entries(text) {
		o.members = append(o.members, m)
	}
	return o, nil
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

// get returns the last value of that name, as parsers do; nil if there is none.
func (o *object) get(name string) json.RawMessage {
	for _, m := range slices.Backward(o.members) {
		if m.name == name {
			return o.text[m.from:m.to]
		}
	}
	return nil
}

// value is what a member is to be.
type value struct {
	name string
	text []byte
}

// with returns the text with values replaced, and those that are missing put
// first. The object is not empty.
func (o *object) with(values []value) []byte {
	size := len(o.text)
	for _, v := range values {
		size += len(v.name) + len(v.text) + len(`"":,`)
	}
	out := append(make([]byte, 0, size), o.text[:o.open]...)
	for _, v := range values {
		if o.get(v.name) == nil {
			out = append(out, quote(v.name)...)
			out = append(out, ':')
			out = append(out, v.text...)
			out = append(out, ',')
		}
	}
	at := o.open
	for _, m := range o.members {
		for _, v := range values {
			if v.name == m.name {
				out = append(out, o.text[at:m.from]...)
				out = append(out, v.text...)
				at = m.to
			}
		}
	}
	return append(out, o.text[at:]...)
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // cannot be: a string
	}
	return b
}
