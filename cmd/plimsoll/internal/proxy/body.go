package proxy

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// leastRate is the least rate of a body in bytes per second, once the time to begin is
	// over: 1 MiB may take a minute.
	leastRate = 16 << 10
	// rateStep is the number of bytes after which the deadline is set again.
	rateStep = 256 << 10
	// maxUpload is the size in bytes of the largest file that is uploaded: OpenAI's
	// limit (https://platform.openai.com/docs/api-reference/files/create).
	maxUpload = 512 << 20
)

var (
	errTooMuch  = errors.New("too many bytes of requests are held in memory")
	errTooLarge = errors.New("the body is larger than --max-body")
)

// body is a request's body. It must arrive at leastRate, so that no client keeps a
// connection by a byte now and then. Its bytes count towards Config.MaxHeld.
type body struct {
	src     arriving
	zip     *gzip.Reader // decodes src; nil before the first read
	encoded bool         // by gzip
	upload  bool         // it is sent on as it arrives, and not kept in memory
	sent    int64        // of an upload, decoded
	held    int64
	err     error // why it ended before its end
}

// arriving reads the bytes of a body from the connection.
type arriving struct {
	src     io.ReadCloser
	proxy   *Proxy
	control *http.ResponseController
	begin   time.Time
	n       int64
	next    int64 // the deadline is set again when n has come here
	whole   bool
}

func newBody(p *Proxy, r *http.Request, control *http.ResponseController) *body {
	return &body{src: arriving{src: r.Body, proxy: p, control: control}}
}

// decode makes a gzip-compressed body be read decompressed. The bound on its size applies
// to the decompressed bytes. It returns an error for other encodings.
func (b *body) decode(h http.Header) error {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "", "identity":
	case "gzip", "x-gzip":
		b.encoded = true
	default:
		return errors.New("the header Content-Encoding must be gzip or missing")
	}
	return nil
}

// Read implements [io.Reader].
func (b *body) Read(text []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case !b.encoded:
		n, err = b.src.Read(text)
	default:
		if b.zip == nil {
			if b.zip, err = gzip.NewReader(&b.src); err != nil {
				b.err = err
				return 0, err
			}
		}
		n, err = b.zip.Read(text)
	}
	switch p := b.src.proxy; {
	case b.upload:
		if b.sent += int64(n); b.sent > maxUpload {
			err = errTooLarge
		}
	case n > 0:
		b.held += int64(n)
		if p.held.Add(int64(n)) > p.cfg.MaxHeld {
			err = errTooMuch
		}
	}
	if errors.Is(err, io.EOF) {
		b.src.end()
	} else if err != nil {
		b.err = err
	}
	return n, err
}

// Close implements [io.Closer]. The server closes the real one.
func (b *body) Close() error { return nil }

// release uncounts the body's bytes.
func (b *body) release() { b.src.proxy.held.Add(-b.held) }

// Read implements [io.Reader].
func (a *arriving) Read(text []byte) (int, error) {
	if a.n >= a.next {
		if a.begin.IsZero() {
			a.begin = time.Now()
		}
		due := a.begin.Add(a.proxy.cfg.Patience + time.Duration(a.n/leastRate)*time.Second)
		_ = a.control.SetReadDeadline(due) // not there in tests with a recorder
		a.next = a.n + rateStep
	}
	n, err := a.src.Read(text)
	a.n += int64(n)
	if errors.Is(err, io.EOF) {
		a.end()
	}
	return n, err
}

// end removes the deadline, at which the server would otherwise cancel the request.
func (a *arriving) end() {
	if !a.whole {
		a.whole = true
		_ = a.control.SetReadDeadline(time.Time{})
	}
}
