package transport

// maxUsage is the size of the largest usage object that is read, in bytes.
const maxUsage = 64 << 10

// A finder looks for the member "usage" of a JSON object that passes by in
// pieces of any size, and keeps no more of it than that member. What is not JSON
// has none.
type finder struct {
	depth    int
	inText   bool
	escaped  bool
	key      bool // in the outermost object, a name comes next, or is being read
	name     []byte
	found    bool // the name was "usage"; its value comes next, or is being read
	value    []byte
	complete bool // the outermost object has ended
	lost     bool // the value was too large
}

// write looks at the next piece.
func (f *finder) write(p []byte) {
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

// text passes over a text, up to its end if that is there.
func (f *finder) text(p []byte) (n int) {
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
func (f *finder) keep(p []byte) {
	switch {
	case f.found && f.lost:
	case f.found:
		if len(f.value)+len(p) > maxUsage {
			f.value, f.lost = nil, true
			return
		}
		f.value = append(f.value, p...)
	case f.depth == 1 && f.key && f.inText && len(f.name) <= len(`usage"`):
		f.name = append(f.name, p...)
	}
}

// mark acts on a character outside texts.
func (f *finder) mark(c byte) {
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
			if string(f.name) == `usage"` {
				f.found, f.lost, f.value = true, false, f.value[:0]
			}
		}
	case ',':
		if f.depth == 1 {
			f.trim()
			f.key, f.name = true, f.name[:0]
		}
	}
}

// trim takes the character behind the value off again.
func (f *finder) trim() {
	if f.found && !f.lost {
		f.value = f.value[:len(f.value)-1]
	}
	f.found = false
}

// usage returns what was found.
func (f *finder) usage() usage {
	if f.found || len(f.value) == 0 {
		return noUsage
	}
	return parseUsage(f.value)
}
