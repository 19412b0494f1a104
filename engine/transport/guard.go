package transport

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// A guard ends one attempt if its provider is silent for too long, by cancelling the
// attempt's context.
type guard struct {
	ctx    context.Context
	parent context.Context // the request's
	cancel context.CancelCauseFunc
	times  Timeouts
	start  time.Time
	first  *time.Timer // for a connection and the first byte; nil = no bound
	due    time.Duration
	trace  httptrace.ClientTrace
	dials  atomic.Bool // first is for a connection
	idle   *time.Timer // for each further piece; only Read uses it
	whole  *time.Timer // for the beginning of a refusal
	began  atomic.Bool // the first byte has come
	ended  sync.Once
	onByte func(after time.Duration) // the first byte has come
	onGone func(after time.Duration) // the request ended before it
}

// newGuard begins to wait for the first byte.
func newGuard(parent context.Context, times Timeouts, stream bool) *guard {
	g := &guard{parent: parent, times: times, start: time.Now(), due: times.FirstByte}
	if stream {
		g.due = times.StreamFirstByte
	}
	g.ctx, g.cancel = context.WithCancelCause(parent)
	if times.Connect > 0 {
		g.trace = httptrace.ClientTrace{GetConn: g.connecting, GotConn: g.connected}
		g.ctx = httptrace.WithClientTrace(g.ctx, &g.trace)
	}
	if g.due <= 0 {
		g.due = longestTimeout
	}
	g.first = time.AfterFunc(g.due, g.late)
	return g
}

// late ends the attempt whose connection or first byte did not come.
func (g *guard) late() {
	if g.began.Load() { // while the timer was set once more for a piece of the request
		return
	}
	if g.dials.Load() {
		g.cancel(&timeoutError{"no connection", g.times.Connect})
		return
	}
	g.cancel(&timeoutError{"no first byte", g.due})
}

func (g *guard) after(d time.Duration, what string) *time.Timer {
	return time.AfterFunc(d, func() { g.cancel(&timeoutError{what, d}) })
}

// connecting and connected bound the time from asking for a connection to having one. A
// Base that does not report it is not bound.
func (g *guard) connecting(string) {
	g.dials.Store(true)
	g.first.Reset(g.times.Connect)
}

func (g *guard) connected(httptrace.GotConnInfo) {
	g.dials.Store(false)
	g.first.Reset(g.due - time.Since(g.start))
	if g.ctx.Err() != nil { // the client has gone
		g.first.Stop()
	}
}

// sending puts off the first byte: a piece of the request was sent just now.
func (g *guard) sending() {
	if !g.dials.Load() && !g.began.Load() && g.ctx.Err() == nil {
		g.first.Reset(g.due)
	}
}

// within bounds the beginning of a refusal, until whole is stopped.
func (g *guard) within(d time.Duration) { g.whole = g.after(d, "no end of a refusal") }

// why returns the timeout that ended the attempt in place of the error that followed
// from it.
func (g *guard) why(err error) error {
	if t, ok := errors.AsType[*timeoutError](context.Cause(g.ctx)); ok && !errors.Is(err, io.EOF) {
		return t
	}
	return err
}

// end ends the attempt.
func (g *guard) end() {
	g.ended.Do(func() {
		for _, t := range [...]*time.Timer{g.first, g.whole} {
			if t != nil {
				t.Stop()
			}
		}
		gone := !g.began.Load() && g.parent.Err() != nil
		g.cancel(nil)
		if gone && g.onGone != nil {
			g.onGone(time.Since(g.start))
		}
	})
}

// guarded is an answer's body that a guard watches.
type guarded struct {
	src   io.ReadCloser
	guard *guard
}

// Read implements [io.Reader].
func (r *guarded) Read(p []byte) (int, error) {
	g := r.guard
	begun := g.began.Load()
	switch {
	case !begun || g.times.Idle <= 0:
	case g.idle == nil:
		g.idle = g.after(g.times.Idle, "no further piece of the answer")
	default:
		g.idle.Reset(g.times.Idle)
	}
	n, err := r.src.Read(p)
	if g.idle != nil {
		g.idle.Stop() // a reader that takes its time is not the provider's silence
	}
	if !begun && (n > 0 || errors.Is(err, io.EOF)) {
		g.began.Store(true)
		if g.first != nil {
			g.first.Stop()
		}
		if g.onByte != nil {
			g.onByte(time.Since(g.start))
		}
	}
	if err != nil {
		err = g.why(err)
		g.end()
	}
	return n, err
}

// Close implements [io.Closer]. It may be called while Read runs.
func (r *guarded) Close() error {
	r.guard.end()
	return r.src.Close()
}
