package config

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// kind is what a value is, as YAML 1.1 and PyYAML see it.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
	date // a day or an instant: YAML 1.1 has them, JSON does not
	list
	table
)

// String names the kind for people.
func (k kind) String() string {
	return [...]string{"nothing", "a truth value", "a whole number", "a number", "a text", "a date", "a list", "a mapping"}[k]
}

// value is a node of a file, unfolded: no aliases, no merge keys. Values that
// aliases share are shared here too.
type value struct {
	kind  kind
	text  string // canonical: True, 90, 1e-05, 2024-01-01; "" for null, list and table
	items []*value
	pairs []pair
	line  int
	env   string // the environment variable it came from
	unset bool   // which is not set
	// composed says that env is one of the variables inside the text.
	composed bool
}

// pair is an entry of a table.
type pair struct{ key, value *value }

// get returns the value of a key, nil if there is none.
func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	for _, p := range v.pairs {
		if p.key.kind == text && p.key.text == key {
			return p.value
		}
	}
	return nil
}

// keys returns the texts among the keys of a table.
func (v *value) keys() []string {
	var out []string
	for _, p := range v.pairs {
		if p.key.kind == text {
			out = append(out, p.key.text)
		}
	}
	return out
}

// absent reports whether nothing was said.
func (v *value) absent() bool { return v == nil || v.kind == null && !v.unset }

// blank reports whether nothing was said, or an empty text, which LiteLLM reads as nothing.
func (v *value) blank() bool { return v.absent() || v.kind == text && v.text == "" }

// maxShown is how much of a text a message repeats.
const maxShown = 40

// found describes the value for a message, without revealing what came from the
// environment.
func (v *value) found() string {
	switch {
	case v.unset:
		return "the environment variable " + showName(v.env) + " is not set"
	case v.env != "" && v.text == "":
		return "found the value of os.environ/" + showName(v.env) + ", which is empty"
	case v.env != "":
		return "found the value of os.environ/" + showName(v.env) + ", " + v.kind.String()
	}
	switch v.kind {
	case null:
		return "found nothing"
	case boolean:
		return "found the truth value " + strings.ToLower(v.text) + " (quote it if it is a text)"
	case integer, float:
		return "found " + shorten(v.text)
	case text:
		return "found the text " + strconv.Quote(shorten(v.text))
	case date:
		return "found the date " + v.text + " (quote it if it is a text)"
	default:
		return "found " + v.kind.String()
	}
}

// shorten cuts a long text.
func shorten(s string) string {
	for i := range s {
		if i > maxShown {
			return s[:i] + "…"
		}
	}
	return s
}

// showName returns the name of a key or variable, if it can be one: what is not
// a name was never meant to be shown.
func showName(s string) string {
	if s == "" || len(s) > 2*maxShown {
		return "(a name of " + strconv.Itoa(len(s)) + " bytes)"
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// number returns a numeric value as a float, an integer of any size as the
// nearest one, and NaN for what is no number.
func (v *value) number() float64 {
	if v.kind != integer && v.kind != float {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// whole returns an integer, or a float without a fraction, that fits.
func (v *value) whole() (int64, bool) {
	switch v.kind {
	case integer:
		n, err := strconv.ParseInt(v.text, 10, 64)
		return n, err == nil
	case float:
		f := v.number()
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false
		}
		return int64(f), true
	default:
		return 0, false
	}
}

// parsePython reads the text of a number as Python's int() and float() do,
// which is what LiteLLM makes of a quoted number and of an environment variable.
func parsePython(s string) (*value, bool) {
	s = strings.TrimSpace(s)
	digits := strings.ReplaceAll(s, "_", "")
	if s == "" || len(s) > maxDigits || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return nil, false
	}
	if n, ok := new(big.Int).SetString(digits, 10); ok {
		return &value{kind: integer, text: n.String()}, true
	}
	if strings.ContainsAny(digits, "xXpP") {
		return nil, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, false
	}
	return &value{kind: float, text: pyFloat(f)}, true
}
