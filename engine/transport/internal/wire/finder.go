package wire

import "encoding/json"

// MaxValue is the size of the largest value that a [Finder] keeps, in bytes.
const MaxValue = 64 << 10

// usual is the room that a value gets at first, in bytes.
const usual = 128

// A Finder looks for members of a JSON object that passes by in pieces of any size,
// and keeps no more of it than their values. Text that is not JSON has none. The
// zero Finder looks for nothing: make one with [NewFinder].
type Finder struct {
	depth    int
	inText   bool
	escaped  bool
	key      bool   // in the outermost object, a name comes next, or is being read
	name     []byte // with the quote behind it, as far as it can be one looked for
	longest  int    // of the names, with its quote
	wanted   []found
	at       int // of the member whose value comes next, or is being read; -1 = none
	complete bool
}

// found is a member that is looked for.
type found struct {
	name  string
	value []byte
	lost  bool // the value was too large
}

// NewFinder returns a Finder for members of these names.
func NewFinder(names ...string) Finder {
	f := Finder{at: -1, wanted: make([]found, 0, len(names))}
	for _, name := range names {
		f.wanted = append(f.wanted, found{name: name})
		f.longest = max(f.longest, len(name)+1)
	}
	return f
}

// Write looks at the next piece.
func (f *Finder) Write(p []byte) {
	for len(p) > 0 && !f.complete {
		if f.inText {
			p = p[f.text(p):]
			continue
		}
		f.keep(p[:1])
		f.mark(p[0])
		p = p[1:]
	}
}

// Complete reports whether the outermost value has ended, if it is an object or a
// list.
func (f *Finder) Complete() bool { return f.complete }

// Get returns the last complete value of a member that is looked for; nil if there
// was none, or one larger than [MaxValue]. The Finder keeps using its bytes.
func (f *Finder) Get(name string) json.RawMessage {
	for i := range f.wanted {
		w := &f.wanted[i]
		if w.name == name && f.at != i && len(w.value) > 0 {
			return w.value
		}
	}
	return nil
}

// text passes over a text, up to its end if that is there.
func (f *Finder) text(p []byte) (n int) {
	if f.escaped {
		f.escaped = false
		f.keep(p[:1])
		return 1
	}
	for n = special(p, 0); n < len(p); n = special(p, n+1) {
		c := p[n]
		if c != '"' && c != '\\' { // a control character should not be there, and ends nothing
			continue
		}
		f.keep(p[:n+1])
		f.escaped, f.inText = c == '\\', c != '"'
		return n + 1
	}
	f.keep(p)
	return len(p)
}

// keep remembers what may be the name, or is the value.
func (f *Finder) keep(p []byte) {
	switch {
	case f.at >= 0:
		w := &f.wanted[f.at]
		if w.lost {
			return
		}
		if len(w.value)+len(p) > MaxValue {
			w.value, w.lost = nil, true
			return
		}
		w.value = append(w.value, p...)
	case f.depth == 1 && f.key && f.inText && len(f.name) <= f.longest:
		f.name = append(f.name, p[:min(len(p), f.longest+1)]...)
	}
}

// mark acts on a character outside texts.
func (f *Finder) mark(c byte) {
	switch c {
	case '"':
		f.inText = true
	case '{', '[':
		f.depth++
		if f.depth == 1 {
			f.key = c == '{'
		}
	case '}', ']':
		f.depth--
		if f.depth <= 0 {
			f.trim()
			f.complete = true
		}
	case ':':
		if f.depth == 1 && f.key {
			f.key = false
			f.begin()
		}
	case ',':
		if f.depth == 1 {
			f.trim()
			f.key, f.name = true, f.name[:0]
		}
	}
}

// begin looks up the name that has been read.
func (f *Finder) begin() {
	for i := range f.wanted {
		if w := &f.wanted[i]; len(f.name) == len(w.name)+1 && string(f.name[:len(w.name)]) == w.name && f.name[len(w.name)] == '"' {
			if w.value == nil {
				w.value = make([]byte, 0, usual)
			}
			f.at, w.lost, w.value = i, false, w.value[:0]
			return
		}
	}
}

// trim takes the character behind the value off again, and white space.
func (f *Finder) trim() {
	if f.at < 0 {
		return
	}
	w := &f.wanted[f.at]
	f.at = -1
	if w.lost {
		return
	}
	w.value = w.value[space(w.value, 0) : len(w.value)-1]
	for n := len(w.value); n > 0 && w.value[n-1] <= ' '; n-- {
		w.value = w.value[:n-1]
	}
}
