package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// section is a mapping whose keys have meanings. What a key should not hold is
// reported and read as if it were absent.
type section struct {
	*findings
	secrets *secrets
	table   *value
	path    string // of its keys, such as "deployments[3]."
	loose   bool   // numbers may be quoted, as LiteLLM allows
	keys    *keysUsed
}

// over returns a section of the same file.
func (s section) over(table *value, path string) section {
	s.table, s.path = table, path
	return s
}

// numeric returns what a value is as a number: a text that is one counts where
// it came from the environment, or where the file's format allows it.
func (s section) numeric(v *value) *value {
	if v.kind == text && (s.loose || v.env != "") {
		if n, ok := parsePython(v.text); ok {
			return n
		}
	}
	return v
}

// found describes a value for a message. What is secret in it is hidden before it is cut, so
// that no part of it is left.
func (s section) found(v *value) string {
	if masked := s.secrets.mask(v.text); v.kind == text && v.env == "" && masked != v.text {
		return "found the text " + strconv.Quote(shorten(masked))
	}
	return v.found()
}

// wrong reports a value that is not what the key wants.
func (s section) wrong(key string, v *value, want string) {
	s.errorf(v.line, s.path+key, "%s; want %s", s.found(v), want)
}

// missing reports a key that is not there.
func (s section) missing(key, want string) {
	s.errorf(s.table.line, s.path+key, "is missing; want %s", want)
}

// text returns a text; "" if there is none.
func (s section) text(key, want string) string {
	v := s.table.get(key)
	switch {
	case v.absent():
		return ""
	case v.kind == integer || v.kind == float:
		s.wrong(key, v, want+"; quote it if it is one")
		return ""
	case v.kind != text || v.text == "":
		s.wrong(key, v, want)
		return ""
	}
	return v.text
}

// oneOf returns a text that is one of several; "" if there is none.
func (s section) oneOf(key string, allowed []string) string {
	t := s.text(key, listed(allowed))
	if t == "" || slices.Contains(allowed, t) {
		return t
	}
	s.wrong(key, s.table.get(key), listed(allowed))
	return ""
}

// listed joins names: a, b or c.
func listed(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// name returns a text that must be there.
func (s section) name(key, want string) string {
	if s.table.get(key).absent() {
		s.missing(key, want)
		return ""
	}
	return s.text(key, want)
}

// flag returns a truth value; false if there is none.
func (s section) flag(key string) bool {
	v := s.table.get(key)
	if v.absent() {
		return false
	}
	if quoted := strings.ToLower(v.text); s.loose && v.kind == text && (quoted == "true" || quoted == "false") {
		return quoted == "true"
	}
	if v.kind != boolean {
		s.wrong(key, v, "true or false")
	}
	return v.text == "True"
}

// whole returns an integer from lowest to highest; 0 if there is none.
func (s section) whole(key string, lowest, highest int64, what string) int64 {
	v := s.table.get(key)
	if v.absent() {
		return 0
	}
	n, ok := s.numeric(v).whole()
	if !ok || n < lowest || n > highest {
		s.wrong(key, v, fmt.Sprintf("%s from %d to %d", what, lowest, highest))
		return 0
	}
	return n
}

// duration returns a time such as 15m; 0 if there is none.
func (s section) duration(key string, shortest, longest time.Duration) time.Duration {
	v := s.table.get(key)
	if v.absent() {
		return 0
	}
	d, err := time.ParseDuration(v.text)
	if v.kind != text || err != nil || d < shortest || d > longest {
		s.wrong(key, v, fmt.Sprintf("a time with a unit, such as 500ms, 90s or 15m, from %v to %v", shortest, longest))
		return 0
	}
	return d
}

// texts returns a list of texts.
func (s section) texts(key string) []string {
	v := s.table.get(key)
	switch {
	case v.absent():
		return nil
	case v.kind != list:
		s.wrong(key, v, "a list of texts, such as [eu, premium]")
		return nil
	}
	var out []string
	for i, item := range v.items {
		if item.kind != text || item.text == "" {
			s.wrong(fmt.Sprintf("%s[%d]", key, i), item, "a text; quote it if it looks like something else")
			continue
		}
		out = append(out, item.text)
	}
	return out
}

// within returns the mapping that a key holds, false if there is none.
func (s section) within(key string) (section, bool) {
	v := s.table.get(key)
	if v.absent() {
		return section{}, false
	}
	if v.kind != table {
		s.wrong(key, v, "a mapping")
		return section{}, false
	}
	return s.over(v, s.path+key+"."), true
}

// elements returns the mappings of a list. Too many of them, or none, is an error.
func (s section) elements(key, what string) []section {
	v := s.table.get(key)
	switch {
	case v.absent():
		s.missing(key, "a list of "+what)
	case v.kind != list:
		s.wrong(key, v, "a list of "+what)
	case len(v.items) == 0:
		s.errorf(v.line, s.path+key, "is empty; want at least one of the %s", what)
	case len(v.items) > engine.MaxDeployments:
		s.errorf(v.line, s.path+key, "has %d %s; an engine takes at most %d", len(v.items), what, engine.MaxDeployments)
	default:
		out := make([]section, 0, len(v.items))
		for i, item := range v.items {
			at := fmt.Sprintf("%s[%d]", key, i)
			if item.kind != table {
				s.wrong(at, item, "a mapping that describes a deployment")
				continue
			}
			out = append(out, s.over(item, s.path+at+"."))
		}
		return out
	}
	return nil
}

// limit returns a limit as the engine takes it: 0 if there is none, Blocked for
// a limit of zero. In a LiteLLM file a negative one is a limit of zero too.
func (s section) limit(key string, v *value) int64 {
	if v.absent() {
		return 0
	}
	const want = "a whole number, 0 to let nothing through, or no such key for unlimited"
	f := s.numeric(v).number()
	switch {
	case math.IsNaN(f) || f < 0 && !s.loose:
		s.wrong(key, v, want)
		return 0
	case f > float64(engine.MaxCount):
		s.warnf(v.line, s.path+key, "%s, more than the largest limit of %d; taken as unlimited", s.found(v), engine.MaxCount)
		return 0
	case f < 0:
		s.warnf(v.line, s.path+key, "%s; a limit below zero lets nothing through, in LiteLLM as here. Leave the key out for unlimited", s.found(v))
		return engine.Blocked
	case f != math.Floor(f):
		consequence := ""
		if f < 1 {
			consequence = ", which lets nothing through"
		}
		s.warnf(v.line, s.path+key, "%s; limits are whole numbers, rounded down to %.0f%s", s.found(v), math.Floor(f), consequence)
	}
	if f < 1 {
		return engine.Blocked
	}
	return int64(f)
}

// unknown warns of keys that mean nothing here.
func (s section) unknown(known ...string) {
	for _, p := range s.table.pairs {
		if p.key.kind != text {
			s.warnf(p.key.line, strings.TrimSuffix(s.path, "."), "has a key that is %s, not a text; it is ignored", p.key.kind)
			continue
		}
		name := p.key.text
		if slices.Contains(known, name) {
			continue
		}
		hint := ""
		if len(s.warnings) < MaxFindings { // more are not read by people
			if begin := glued(name, known); begin != "" {
				name, hint = begin+":…", "; write a space after "+begin+":"
			} else if held := inside(p.value, known); held != "" {
				hint = "; write " + held + " beside it, not under it"
			} else if near := nearest(name, known); near != "" {
				hint = "; did you mean " + near + "?"
			}
		}
		s.warnf(p.key.line, s.path+showName(name), "is no key that is known here and is ignored%s", hint)
	}
}
