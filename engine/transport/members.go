package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// object is a JSON object as text, and where the values of its [decisive] members
// are, so that some can be replaced and all others stay as they were, byte for byte.
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
	var seen uint64
	for name, m := range entries(text) {
		bit, err := ambiguous(name, seen)
		if err != nil {
			return object{}, err
		}
		if bit != 0 {
			seen |= bit
			o.members = append(o.members, m)
		}
	}
	return o, nil
}

// decisive are the members that the transport reads, the only ones that an object
// keeps, so that memory does not grow with their number. Parsers differ about a member
// that stands twice, or in another case: a provider could read another model, or a
// larger answer, than was admitted.
var decisive = [...]string{
	"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of",
	"messages", "input", "instructions", "system", "prompt", "tools", "functions", "response_format", "text", "output_format",
	"previous_response_id", "conversation", "prompt_cache_key", "background", "store", "metadata", "reasoning", "thinking", "prediction",
	"tags", "priority", "service_tier",
}

// ambiguous returns the bit of a decisive member. It fails for one that was seen
// before, or has another case.
func ambiguous(name string, seen uint64) (uint64, error) {
	for i, d := range decisive {
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
