package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// leastRate is how many bytes of a body have to arrive a second, once the time to
	// begin is over: 1 MiB takes a minute at most.
	leastRate = 16 << 10
	// rateStep is how often, in bytes, the deadline is set anew.
	rateStep = 256 << 10
)

var errTooMuch = errors.New("too many bytes of requests are held")

// body is a request's body. It has to arrive at a least rate, so that nobody holds
// a connection by a byte now and then, and counts towards what all may hold.
type body struct {
	src     io.ReadCloser
	proxy   *Proxy
	control *http.ResponseController
	begin   time.Time
	n       int64
	next    int64 // the deadline is set anew when n has come here
	held    int64
	err     error // why it ended before its end
	whole   bool
}

func newBody(p *Proxy, r *http.Request, control *http.ResponseController) *body {
	return &body{src: r.Body, proxy: p, control: control}
}

// Read implements [io.Reader].
func (b *body) Read(text []byte) (int, error) {
	if b.n >= b.next {
		if b.begin.IsZero() {
			b.begin = time.Now()
		}
		due := b.begin.Add(b.proxy.cfg.Patience + time.Duration(b.n/leastRate)*time.Second)
		_ = b.control.SetReadDeadline(due) // not there in tests with a recorder
		b.next = b.n + rateStep
	}
	n, err := b.src.Read(text)
	b.n += int64(n)
	if more := b.n - b.held; more > 0 {
		b.held += more
		if b.proxy.held.Add(more) > b.proxy.cfg.MaxHeld {
			err = errTooMuch
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		b.end()
	case err != nil:
		b.err = err
	}
	return n, err
}

// end lifts the limit on time: while it stands, the server would take the request
// for given up when it is reached.
func (b *body) end() {
	if !b.whole {
		b.whole = true
		_ = b.control.SetReadDeadline(time.Time{})
	}
}

// Close implements [io.Closer]. The server closes the real one.
func (b *body) Close() error { return nil }

// release gives back what was held.
func (b *body) release() { b.proxy.held.Add(-b.held) }
