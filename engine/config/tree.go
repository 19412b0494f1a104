package config

import (
	"math"
	"strconv"
	"strings"
)

// envPrefix is what a value that stands for an environment variable begins with.
const envPrefix = "os.environ/"

// builder makes values out of what a parser reads. It puts environment variables
// in place, and remembers which texts are secret.
type builder struct {
	*findings
	secrets   *secrets
	lookupEnv func(string) (string, bool)
	lastWins  bool // a key twice in a mapping is a warning, not an error
	ownFormat bool // texts may hold ${NAME}
	refused   bool // the file is too large or too deep, which was reported
}

// sized is a value and how many items it has when unfolded.
type sized struct {
	*value
	size int
}

// mapping collects the entries of a table in order.
type mapping struct {
	table  value
	size   int
	places map[string]int // key to its place among the pairs
	own    map[string]int // line of the keys that are not merged in
}

func newMapping(line int) *mapping {
	return &mapping{table: value{kind: table, line: line}, size: 1, places: map[string]int{}, own: map[string]int{}}
}

// identity is equal for keys that are equal in Python, where 1, 1.0 and True are.
func (v *value) identity() string {
	number := v.number()
	if v.kind == boolean && v.text == "True" {
		number = 1
	} else if v.kind == boolean {
		number = 0
	}
	switch {
	case number == math.Trunc(number) && math.Abs(number) < 1<<53:
		return "number " + strconv.FormatInt(int64(number), 10)
	case v.kind == integer, v.kind == float:
		return "number " + v.text
	default:
		return string('a'+byte(v.kind)) + v.text
	}
}

// set adds an entry. One that is there keeps its place and gets the new value,
// as in Python's dict.
func (m *mapping) set(p pair, size int) {
	id := p.key.identity()
	m.size += size
	if i, ok := m.places[id]; ok {
		if old := m.table.pairs[i].key; old.kind != p.key.kind {
			p.key = old
		}
		m.table.pairs[i] = p
		return
	}
	m.places[id] = len(m.table.pairs)
	m.table.pairs = append(m.table.pairs, p)
}

// put is set for an entry that the mapping itself spells out.
func (b *builder) put(m *mapping, p pair, size int) {
	id := p.key.identity()
	if first, ok := m.own[id]; ok {
		if b.lastWins {
			b.warnf(p.key.line, showName(p.key.text), "is in this mapping already, on line %d; the last one counts, as in LiteLLM", first)
		} else {
			b.errorf(p.key.line, showName(p.key.text), "is in this mapping already, on line %d; keep one of them", first)
		}
	}
	m.own[id] = p.key.line
	m.set(p, size)
}

// fill replaces a value that names an environment variable by the variable's
// value. LiteLLM does this for the values of mappings alone, not for items of
// lists, and reads true and false as truth values; so does this.
func (b *builder) fill(v *value) *value {
	if v.kind != text || !strings.HasPrefix(v.text, envPrefix) {
		return b.expand(v)
	}
	return b.variable(strings.ReplaceAll(v.text, envPrefix, ""), v.line)
}

// keep remembers what must not be shown of a scalar.
func (b *builder) keep(v *value, secret bool) {
	if b.ownFormat && strings.Contains(v.text, "${") {
		return // expand hides the values; the names of variables may be shown
	}
	if secret {
		b.secrets.add(v.text)
	}
	if v.kind == text {
		b.secrets.addURL(v.text)
		b.secrets.addGlued(v.text)
	}
}

// tooMuch reports a table or list that unfolds to more than is taken.
func (b *builder) tooMuch(line, size int) bool {
	if size <= MaxUnfolded {
		return false
	}
	b.refuse(line, "aliases and merge keys make more than %d items of this file; that is as many as are read", MaxUnfolded)
	return true
}

func (b *builder) tooDeep(line, depth int) bool {
	if depth <= MaxDepth {
		return false
	}
	b.refuse(line, "lists and mappings are nested more than %d deep; that is as deep as they are read", MaxDepth)
	return true
}

// refuse reports once that a file is beyond a bound.
func (b *builder) refuse(line int, format string, args ...any) {
	if !b.refused {
		b.breakf(line, format, args...)
	}
	b.refused = true
}
