package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	defaultHoldTime  = 2 * time.Second
	defaultHoldBytes = 64 << 10
	longestHold      = time.Minute
	largestHold      = 4 << 20
)

// errEmpty is the failure of an answer that ends before anything of its content.
var errEmpty = errors.New("the answer ended before any of its content")

// A verdict is what the beginning of an answer shows.
type verdict uint8

const (
	undecided verdict = iota
	content           // the client is to have it
	failed            // it is an error
	empty             // it ended, or broke off, before any content
)

// held is the body of an answer whose beginning is read ahead, so that another
// deployment can be tried in its place. One goroutine reads ahead until the beginning is
// decided or no reader waits for it any more, and ends at the latest when the read under way
// does.
type held struct {
	src    io.ReadCloser
	look   func(text []byte, end bool) (verdict, []byte)
	most   int
	ahead  chan struct{} // closed when the goroutine has ended
	mu     sync.Mutex
	buf    []byte // what was read ahead
	at     int    // of that, what the reader has had
	err    error
	judged verdict
	error  []byte // the error that it is
	free   bool   // no reader waits for the verdict
}

// hold reads the beginning of an answer, for at most HoldTime and HoldBytes of the
// configuration, and returns its verdict, and the error if it is one. It corrects the type of
// an answer that is a stream, or is none, against its header.
func (t *Transport) hold(ctx context.Context, resp *http.Response, q *request) (verdict, []byte, error) {
	kind := mediaType(resp.Header)
	if t.holdTime < 0 || encoded(resp.Header) {
		return content, nil, nil
	}
	if !q.op.answersJSON() && kind != "" && kind != eventStream && !isJSON(kind) {
		return content, nil, nil
	}
	o := newOpening(q.op, kind == eventStream)
	h := &held{src: resp.Body, look: o.look, most: int(t.holdBytes), ahead: make(chan struct{})}
	resp.Body = h
	if n := resp.ContentLength; n > 0 && n <= t.holdBytes && kind != eventStream {
		h.buf = make([]byte, 0, n)
		h.readAhead() // a client can do nothing with a part of it
	} else {
		h.wait(ctx, t.holdTime, kind == eventStream || !q.op.answersJSON())
	}
	v, failure, err := h.verdict()
	switch { // no reader waits for the verdict any more, so that o does not change
	case o.stream && kind != eventStream:
		resp.Header.Set("Content-Type", eventStream)
	case !o.stream && kind == eventStream:
		resp.Header.Set("Content-Type", "application/json")
	}
	return v, failure, err
}

// wait waits until the beginning is decided, at most for a time, or, where only the first byte
// shows whether the answer is a stream, until that has come.
func (h *held) wait(ctx context.Context, most time.Duration, known bool) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	go h.readAhead()
	for {
		select {
		case <-timer.C:
			if !known && !h.began() {
				timer.Reset(most)
				continue
			}
		case <-h.ahead:
		case <-ctx.Done():
		}
		return
	}
}

func (h *held) began() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.buf) > 0
}

// verdict ends the wait for it.
func (h *held) verdict() (verdict, []byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = true
	if h.judged == undecided && h.err != nil { // it broke off
		return empty, nil, h.err
	}
	return h.judged, h.error, nil
}

var readBuffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}

func (h *held) readAhead() {
	defer close(h.ahead)
	piece := readBuffers.Get().(*[4 << 10]byte)
	defer readBuffers.Put(piece)
	for {
		n, err := h.src.Read(piece[:])
		if h.take(piece[:n], err) {
			return
		}
	}
}

// take adds what was read, and reports whether that decides the verdict.
func (h *held) take(piece []byte, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, piece...)
	h.err = err
	ended := errors.Is(err, io.EOF)
	if (err == nil || ended) && !h.free {
		if h.judged, h.error = h.look(h.buf, ended); h.judged == undecided && ended {
			h.judged = empty
		}
	}
	if h.judged == undecided && len(h.buf) >= h.most {
		h.judged = content
	}
	return h.judged != undecided || err != nil || h.free
}

// Read implements [io.Reader].
func (h *held) Read(p []byte) (int, error) {
	for {
		h.mu.Lock()
		n := copy(p, h.buf[h.at:])
		h.at += n
		err, left := h.err, len(h.buf)-h.at
		if left == 0 {
			h.buf, h.at = nil, 0
		}
		h.mu.Unlock()
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case err != nil:
			return 0, err
		}
		select {
		case <-h.ahead:
			if h.rest() {
				return h.src.Read(p)
			}
		default:
			<-h.ahead
		}
	}
}

// rest reports whether all that was read ahead is gone, and nothing ended it.
func (h *held) rest() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at == len(h.buf) && h.err == nil
}

// Close implements [io.Closer]. It ends a read under way.
func (h *held) Close() error { return h.src.Close() }
