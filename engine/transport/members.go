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

func parseObject(text []byte) (object, error) {
	o := object{text: text}
	dec := json.NewDecoder(bytes.NewReader(text))
	t, err := dec.Token()
	if err != nil {
		return object{}, jsonError(err)
	}
	if t != json.Delim('{') {
		return object{}, errNoObject
	}
	o.open = int(dec.InputOffset())
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return object{}, jsonError(err)
		}
		name, ok := t.(string)
		if !ok {
			return object{}, errNoObject
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return object{}, jsonError(err)
		}
		end := int(dec.InputOffset())
		o.members = append(o.members, member{name, end - len(value), end})
	}
	if _, err := dec.Token(); err != nil {
		return object{}, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return object{}, errors.New("something follows its JSON object")
	}
	return o, nil
}

// jsonError keeps the contents of a body out of an error.
func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
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

// with returns the text with values replaced, and those that are missing put
// first. The object is not empty.
func (o *object) with(values map[string][]byte) []byte {
	size := len(o.text)
	for name, v := range values {
		size += len(name) + len(v) + len(`"":,`)
	}
	out := append(make([]byte, 0, size), o.text[:o.open]...)
	for name, v := range values {
		if o.get(name) == nil {
			out = append(out, quote(name)...)
			out = append(out, ':')
			out = append(out, v...)
			out = append(out, ',')
		}
	}
	at := o.open
	for _, m := range o.members {
		if v, ok := values[m.name]; ok {
			out = append(out, o.text[at:m.from]...)
			out = append(out, v...)
			at = m.to
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
