package transport

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// leastBlanked is the length in bytes of the shortest credential that is searched for
// in answers. A shorter one is no secret, and words would be blanked.
const leastBlanked = 8

// blank overwrites a credential wherever an answer repeats it. The text keeps its
// length.
func blank(resp *http.Response, key string) {
	if len(key) < leastBlanked {
		return
	}
	for _, form := range formsOf(key) {
		for _, values := range resp.Header {
			for i, v := range values {
				if strings.Contains(v, form) {
					values[i] = strings.ReplaceAll(v, form, strings.Repeat("*", len(form)))
				}
			}
		}
		if resp.Body != nil && resp.Body != http.NoBody {
			resp.Body = &blanked{src: resp.Body, key: []byte(form)}
		}
	}
	resp.Trailer = nil
}

var (
	// https://www.php.net/manual/en/json.constants.php (JSON_UNESCAPED_SLASHES is not the default)
	escapedPHP = strings.NewReplacer("/", `\/`)
	// https://pkg.go.dev/encoding/json#HTMLEscape
	escapedGo = strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`)
	// https://github.com/google/gson/blob/main/gson/src/main/java/com/google/gson/stream/JsonWriter.java (htmlSafe)
	escapedGson = strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`, "=", `\u003d`, "'", `\u0027`)
)

// formsOf returns a credential as answers may repeat it: as it is, as writers of JSON escape it,
// and as in a query. Most credentials have one form.
func formsOf(key string) []string {
	list := []string{key}
	for _, form := range [...]string{escapedPHP.Replace(key), escapedGo.Replace(key), escapedGson.Replace(key), url.QueryEscape(key)} {
		if !slices.Contains(list, form) {
			list = append(list, form)
		}
	}
	return list
}

// blanked is a body in which a key is overwritten. The end of a read that may be the
// beginning of the key is held back until the next read decides it.
type blanked struct {
	src  io.ReadCloser
	key  []byte
	held []byte // shorter than the key
	out  []byte // decided, for the reader
	err  error
}

// Read implements [io.Reader].
func (b *blanked) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(b.out) > 0 {
			n := copy(p, b.out)
			b.out = b.out[n:]
			return n, nil
		}
		if b.err != nil {
			return 0, b.err
		}
		if n := b.fill(p); n > 0 {
			return n, nil
		}
	}
}

// fill reads once into p, or into a buffer of its own where p is too small for what
// was held back. It returns how much of p is for the reader.
func (b *blanked) fill(p []byte) int {
	at := len(b.held)
	into := p
	if at >= len(p) {
		into = make([]byte, at+len(b.key))
	}
	copy(into, b.held)
	n, err := b.src.Read(into[at:])
	b.err = err
	text := into[:at+n]
	for rest := text; ; {
		i := bytes.Index(rest, b.key)
		if i < 0 {
			break
		}
		rest = rest[i:]
		for j := range b.key {
			rest[j] = '*'
		}
		rest = rest[len(b.key):]
	}
	keep := 0
	if err == nil {
		keep = overlap(text, b.key)
	}
	b.held = append(b.held[:0], text[len(text)-keep:]...)
	text = text[:len(text)-keep]
	if at >= len(p) {
		b.out = text
		return 0
	}
	return len(text)
}

// Close implements [io.Closer].
func (b *blanked) Close() error { return b.src.Close() }

// overlap returns the length of the longest end of text that is a beginning of key,
// and shorter than it.
func overlap(text, key []byte) int {
	end := text[max(0, len(text)-len(key)+1):]
	for len(end) > 0 {
		i := bytes.IndexByte(end, key[0])
		if i < 0 {
			return 0
		}
		if end = end[i:]; bytes.HasPrefix(key, end) {
			return len(end)
		}
		end = end[1:]
	}
	return 0
}
