package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// jsonBuilder reads JSON into values.
type jsonBuilder struct {
	builder
	data []byte
	dec  *json.Decoder
	line int
	at   int // bytes of data whose lines are counted
}

// errStop ends the reading of a file whose error is among the findings.
var errStop = errors.New("stop")

// root reads the only value of a file.
func (b *jsonBuilder) root() *value {
	b.dec = json.NewDecoder(bytes.NewReader(b.data))
	b.dec.UseNumber()
	var keys map[string]json.RawMessage
	if b.ownFormat && json.Unmarshal(b.data, &keys) == nil && ofLiteLLM(slices.Collect(maps.Keys(keys))) {
		b.ownFormat = false
	}
	b.line = 1
	v, err := b.next(1, false)
	if err == nil {
		if _, more := b.dec.Token(); !errors.Is(more, io.EOF) {
			b.count()
			b.breakf(b.line, "is not JSON: there is more after the end of the value")
		}
		return v.value
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errStop):
	case errors.Is(err, io.EOF) && len(bytes.TrimSpace(b.data)) == 0:
		b.breakf(0, "%v", errEmpty)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		b.breakf(bytes.Count(b.data, []byte("\n"))+1, "is not JSON: it ends too early")
	case errors.As(err, &syntax):
		upTo := b.data[:min(int(syntax.Offset), len(b.data))]
		b.breakf(bytes.Count(upTo, []byte("\n"))+1, "is not JSON: %v", syntax)
	default:
		b.count()
		b.breakf(b.line, "is not JSON")
	}
	return nothing.value
}

// count brings line up to the last token.
func (b *jsonBuilder) count() {
	end := min(int(b.dec.InputOffset()), len(b.data))
	b.line += bytes.Count(b.data[b.at:end], []byte("\n"))
	b.at = end
}

func (b *jsonBuilder) next(depth int, secret bool) (sized, error) {
	token, err := b.dec.Token()
	if err != nil {
		return nothing, err
	}
	b.count()
	v := &value{line: b.line}
	switch t := token.(type) {
	case json.Delim:
		if b.tooDeep(b.line, depth) {
			return nothing, errStop
		}
		if t == '{' {
			return b.object(depth, secret)
		}
		return b.array(depth, secret)
	case bool:
		v.kind, v.text = boolean, pyBool(strconv.FormatBool(t))
	case json.Number:
		if v.kind, v.text, err = jsonNumber(t.String()); err != nil {
			b.breakf(b.line, "%v", err)
			return nothing, errStop
		}
	case string:
		v.kind, v.text = text, t
	}
	b.keep(v, secret)
	return sized{v, 1}, nil
}

func (b *jsonBuilder) array(depth int, secret bool) (sized, error) {
	out := sized{&value{kind: list, line: b.line}, 1}
	for b.dec.More() {
		v, err := b.next(depth+1, secret)
		if err != nil {
			return nothing, err
		}
		out.items = append(out.items, b.expand(v.value))
		out.size += v.size
	}
	_, err := b.dec.Token()
	return out, err
}

func (b *jsonBuilder) object(depth int, secret bool) (sized, error) {
	m := newMapping(b.line)
	for b.dec.More() {
		token, err := b.dec.Token()
		if err != nil {
			return nothing, err
		}
		b.count()
		name, ok := token.(string)
		if !ok {
			return nothing, fmt.Errorf("a key is %T", token)
		}
		key := &value{kind: text, text: name, line: b.line}
		v, err := b.next(depth+1, secret || secretKey(name))
		if err != nil {
			return nothing, err
		}
		b.put(m, pair{key, b.fill(v.value)}, v.size)
	}
	_, err := b.dec.Token()
	return sized{&m.table, m.size}, err
}

// jsonNumber returns a number as Python's json reads it.
func jsonNumber(s string) (kind, string, error) {
	if len(s) > maxDigits {
		return 0, "", errLongNumber
	}
	if !strings.ContainsAny(s, ".eE") {
		n, _ := new(big.Int).SetString(s, 10) // JSON's grammar is stricter
		return integer, n.String(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, "", errNumber
	}
	return float, pyFloat(f), nil
}
