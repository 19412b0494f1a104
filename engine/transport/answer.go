package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// maxRefusal is how many bytes of a provider's refusal are read to classify it.
const maxRefusal = 64 << 10

// follow makes the call end when the answer ends.
func (t *Transport) follow(ctx context.Context, resp *http.Response, q *request, c *call) {
	c.watch(ctx)
	kind := mediaType(resp.Header)
	blind := encoded(resp.Header)
	if kind != eventStream || blind {
		resp.Body = &body{src: resp.Body, call: c, blind: blind, finder: wire.NewFinder("usage", "x_groq")}
		return
	}
	resp.Body = &stream{src: resp.Body, call: c, events: events{op: q.op, hide: q.asksUsage(c.place)}}
	resp.ContentLength = -1
	resp.Header.Del("Content-Length")
}

// peek returns the beginning of a refusal's body and leaves all of it to be read. The
// beginning may take refusalTime; what is behind it may take as long as its reader does.
func peek(resp *http.Response, g *guard) []byte {
	src := resp.Body
	g.within(refusalTime)
	head, err := io.ReadAll(io.LimitReader(src, maxRefusal))
	g.whole.Stop()
	var rest io.Reader = src
	if err != nil {
		rest = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), src}
	return head
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// mediaType returns the type of a body without its parameters, in lower case; "" if there
// is none.
func mediaType(h http.Header) string {
	text := h.Get("Content-Type")
	if text == "application/json" || text == eventStream {
		return text
	}
	kind, _, _ := mime.ParseMediaType(text)
	return kind
}

// encoded reports whether an answer is encoded, so that nothing of it can be read. Some servers
// send "identity" or a charset, which are no encodings.
func encoded(h http.Header) bool {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "", "identity", "none", "utf-8", "utf8":
		return false
	}
	return true
}

const eventStream = "text/event-stream"

// headerText encodes any text for the value of a header.
func headerText(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// pathOf returns a request's path for a message, cut to a readable length.
func pathOf(r *http.Request) string {
	const longest = 200
	p := r.URL.Path
	if len(p) > longest {
		p = p[:longest] + "…"
	}
	return strings.ToValidUTF8(p, "\uFFFD")
}

// unusable returns why an answer with a status is not passed on: a redirect would send a client,
// or the deployment's credential, to another server, and some numbers are no status. Nil: it is.
func unusable(status int) error {
	switch {
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return fmt.Errorf("the answer is a redirect (status %d)", status)
	case status < http.StatusOK || status > lastStatus:
		return fmt.Errorf("the answer has status %d, which is none of an API's", status)
	}
	return nil
}

// lastStatus is the highest status of HTTP.
const lastStatus = 599
