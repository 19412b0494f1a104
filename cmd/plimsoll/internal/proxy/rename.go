package proxy

import (
	"bytes"
	"io"
	"slices"
)

// renamed is an answer of the Responses API in which the provider's ids of responses
// are replaced by those that the client knows. The id of the answer's own response is
// found in the beginning of it: the member "id" of a body, or of the member "response"
// of an event. Then each text that is an id is replaced wherever it stands, and nothing
// else: inside another text its quotes would be escaped.
type renamed struct {
	src    io.ReadCloser
	stream bool
	name   func(raw string) string // the client's id for it; "" = as it is
	swaps  []swap

	buf     []byte  // read
	ready   int     // of it, for the reader
	scanned int     // of it, where no id begins any more
	found   bool    // the id, or that there is none
	nest    nesting // in front of buf
	err     error
}

// swap replaces a quoted text by another.
type swap struct{ from, to []byte }

func quotedSwap(from, to string) swap {
	return swap{[]byte(`"` + from + `"`), []byte(`"` + to + `"`)}
}

// maxSought is the size in bytes of the beginning in which an id is looked for.
const maxSought = 256 << 10

// Read implements [io.Reader].
func (r *renamed) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.ready == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.buf[:r.ready])
	r.nest.pass(r.buf[:n])
	r.buf = r.buf[:copy(r.buf, r.buf[n:])]
	r.ready, r.scanned = r.ready-n, max(r.scanned-n, 0)
	return n, nil
}

// fill reads once, and decides how much of what is there the reader may have.
func (r *renamed) fill() {
	r.buf = slices.Grow(r.buf, leastRead)
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf, r.err = r.buf[:len(r.buf)+n], err
	if !r.found {
		id, ok := r.seek()
		if id == "" && !ok && err == nil && len(r.buf) <= maxSought {
			if r.stream { // events that name no response need not wait
				r.ready = r.whole()
			}
			return
		}
		r.found = true
		r.add(id)
	}
	keep := r.replace(r.previous())
	if err != nil {
		keep = 0
	}
	r.ready = len(r.buf) - keep
}

// replace replaces the ids in the text that has arrived, from left to right: the quote that ends
// an id begins no other. No id begins in the last later bytes yet. It returns how much of the
// end has to wait, because an id may begin there.
func (r *renamed) replace(later int) (keep int) {
	var out []byte
	text, i, done := r.buf, r.scanned, 0 // out replaces the first done bytes of text
	for end := len(text) - later; i < end; {
		q := bytes.IndexByte(text[i:end], '"')
		if q < 0 {
			i = end
			break
		}
		i += q
		k := slices.IndexFunc(r.swaps, func(s swap) bool { return bytes.HasPrefix(text[i:], s.from) || bytes.HasPrefix(s.from, text[i:]) })
		if k < 0 {
			i++
			continue
		}
		s := r.swaps[k]
		if len(s.from) > len(text)-i {
			break
		}
		out = append(append(out, text[done:i]...), s.to...)
		i += len(s.from)
		done = i
	}
	if done > 0 {
		r.buf = append(out, text[done:]...)
	}
	r.scanned = len(r.buf) - (len(text) - i)
	return max(len(text)-i, later)
}

// leastRead is the room in bytes for one read from the provider.
const leastRead = 8 << 10

// maxNamed is the largest length in bytes of a member that names a response.
const maxNamed = 2 * maxID

// maxSwaps bounds the ids that are replaced in one answer.
const maxSwaps = 4

// add has an id replaced from here on.
func (r *renamed) add(id string) {
	if id == "" || len(id) > maxID || len(r.swaps) == maxSwaps {
		return
	}
	if to := r.name(id); to != "" {
		r.swaps = append(r.swaps, quotedSwap(id, to))
	}
}

// previous has the id of an earlier response replaced that the answer names in a member of the
// response itself. Of others, such as metadata, the client has chosen the text: it must not
// get an id for one that is not its own. previous returns how much of the end has to wait,
// because it may name one.
func (r *renamed) previous() int {
	key := []byte(`"previous_response_id"`)
	level := 1
	if r.stream {
		level = 2 // in the member "response" of an event
	}
	nest, passed := r.nest, 0
	for at := 0; ; {
		i := bytes.Index(r.buf[at:], key)
		if i < 0 {
			return overlap(r.buf, key)
		}
		from := at + i
		at = from + len(key)
		nest.pass(r.buf[passed:from])
		if passed = from; nest.level != level || nest.text {
			continue
		}
		s := scanner{text: r.buf, i: at}
		if s.space(); s.i < len(s.text) && s.text[s.i] == ':' {
			s.i++
			s.space()
		}
		begin := s.i
		if begin < len(s.text) && s.text[begin] != '"' {
			continue
		}
		whole := begin < len(s.text) && s.quoted() == nil
		if s.i-from > maxNamed { // it is no id, and an answer must not fill the memory
			continue
		}
		if !whole {
			return len(r.buf) - from
		}
		if !r.known(r.buf[begin:s.i]) && !bytes.ContainsAny(r.buf[begin:s.i], "\\<>&{}[]\n") {
			r.add(string(r.buf[begin+1 : s.i-1]))
		}
	}
}

// known reports whether a quoted id is replaced already, or is a replacement.
func (r *renamed) known(id []byte) bool {
	return slices.ContainsFunc(r.swaps, func(s swap) bool { return bytes.Equal(s.from, id) || bytes.Equal(s.to, id) })
}

// seek looks for the id. It returns "" and true where there is none.
func (r *renamed) seek() (string, bool) {
	if !r.stream {
		return idOf(r.buf, "id")
	}
	i := bytes.Index(r.buf, []byte(`"response"`))
	for i >= 0 {
		line := bytes.LastIndexByte(r.buf[:i], '\n') + 1
		data, ok := bytes.CutPrefix(bytes.TrimSpace(r.buf[line:]), []byte("data:"))
		if ok {
			if id, _ := idOf(data, "response", "id"); id != "" {
				return id, true
			}
		}
		next := bytes.Index(r.buf[i+1:], []byte(`"response"`))
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return "", false
}

// whole returns the length of the whole events that name no response.
func (r *renamed) whole() int {
	text := r.buf
	if i := bytes.Index(text, []byte(`"response"`)); i >= 0 {
		text = text[:i]
	}
	if i := bytes.LastIndex(text, []byte("\n\n")); i >= 0 {
		return i + 2
	}
	return 0
}

// Close implements [io.Closer].
func (r *renamed) Close() error { return r.src.Close() }

// overlap returns the length of the longest end of text that is a beginning of key,
// and shorter than it.
func overlap(text, key []byte) int {
	for n := min(len(text), len(key)-1); n > 0; n-- {
		if bytes.HasSuffix(text, key[:n]) {
			return n
		}
	}
	return 0
}
