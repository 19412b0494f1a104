package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LiteLLM's generated ids are hashes of what Python prints, so this file prints
// as Python does.

// maxText is how much text one id may be made of.
const maxText = 1 << 20

var (
	errNestedDate = errors.New("a date inside a list or mapping has no text that LiteLLM could use in a generated id; quote it")
	errLongText   = errors.New("the values are too long to make a generated id of; set model_info.id")
)

// pyFloat returns repr of a float.
func pyFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if e, _ := strconv.Atoi(exponent); e >= -4 && e < 16 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return mantissa + "e" + exponent
}

// writer collects text up to a size.
type writer struct {
	strings.Builder
	err error
}

func (w *writer) add(s string) {
	if w.Len()+len(s) > maxText {
		w.fail(errLongText)
		return
	}
	w.WriteString(s)
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// str writes Python's str of a value, but json.dumps of a mapping: what LiteLLM
// puts into an id.
func (w *writer) str(v *value) {
	switch v.kind {
	case table:
		w.json(v)
	case list:
		w.repr(v)
	case null:
		w.add("None")
	default:
		w.add(v.text)
	}
}

// repr writes Python's repr of a value.
func (w *writer) repr(v *value) {
	if w.err != nil {
		return
	}
	switch v.kind {
	case null:
		w.add("None")
	case text:
		w.add(pyQuote(v.text))
	case date:
		if len(v.text) != len("2006-01-02") {
			w.fail(errNestedDate)
			return
		}
		var y, m, d int
		_, _ = fmt.Sscanf(v.text, "%d-%d-%d", &y, &m, &d) // yamlDate wrote it
		w.add(fmt.Sprintf("datetime.date(%d, %d, %d)", y, m, d))
	case list:
		w.add("[")
		for i, item := range v.items {
			w.comma(i)
			w.repr(item)
		}
		w.add("]")
	case table:
		w.add("{")
		for i, p := range v.pairs {
			w.comma(i)
			w.repr(p.key)
			w.add(": ")
			w.repr(p.value)
		}
		w.add("}")
	default:
		w.add(v.text)
	}
}

// json writes json.dumps of a value, with Python's defaults.
func (w *writer) json(v *value) {
	if w.err != nil {
		return
	}
	switch v.kind {
	case null, boolean, integer, float:
		w.add(jsonScalar(v))
	case text:
		w.add(jsonQuote(v.text))
	case date:
		w.fail(errNestedDate)
	case list:
		w.add("[")
		for i, item := range v.items {
			w.comma(i)
			w.json(item)
		}
		w.add("]")
	case table:
		w.add("{")
		for i, p := range v.pairs {
			w.comma(i)
			switch p.key.kind {
			case text:
				w.add(jsonQuote(p.key.text))
			case date:
				w.fail(errNestedDate)
			default:
				w.add(`"` + jsonScalar(p.key) + `"`)
			}
			w.add(": ")
			w.json(p.value)
		}
		w.add("}")
	}
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.add(", ")
	}
}

func jsonScalar(v *value) string {
	switch {
	case v.kind == null:
		return "null"
	case v.kind == boolean:
		return strings.ToLower(v.text)
	case v.text == "nan":
		return "NaN"
	case v.text == "inf":
		return "Infinity"
	case v.text == "-inf":
		return "-Infinity"
	default:
		return v.text
	}
}

// jsonQuote writes a string in ASCII.
func jsonQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// pyQuote writes repr of a string. Which characters Python escapes depends on
// its version's Unicode tables; Go's may differ in characters added since.
func pyQuote(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf || r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
