package server

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrDraining is the cause of a context of [Linger] that ended because the server shuts
// down.
var ErrDraining = errors.New("the daemon is about to end; ask another one")

// serving is the server's state for its requests.
type serving struct {
	draining context.Context // ends when the server begins to shut down
	answer   time.Duration   // [Limits.Answer]
}

type serverKey struct{}

// Stream removes the time-outs of a handler whose answer takes long. The request's
// context ends when the client disconnects or the server begins to shut down. The handler
// must bound each write by [http.ResponseController.SetWriteDeadline], because a client that
// does not read would block it.
func Stream(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deadlines(w, time.Time{})
		ctx, cancel := untilDrain(r.Context())
		defer cancel(nil)
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Linger extends the time-out of a request's answer by d. The request's body must have
// been read. The returned context ends when the client disconnects, or with the cause
// [ErrDraining] when the server begins to shut down. The returned function ends it too.
func Linger(w http.ResponseWriter, r *http.Request, d time.Duration) (context.Context, func()) {
	if s, ok := r.Context().Value(serverKey{}).(*serving); ok {
		deadlines(w, time.Now().Add(d+s.answer))
	}
	ctx, cancel := untilDrain(r.Context())
	return ctx, func() { cancel(nil) }
}

// deadlines sets the deadlines of reading from the client and writing to it. The server
// reads to notice that the client has disconnected.
func deadlines(w http.ResponseWriter, at time.Time) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(at) // an error means a recorder of a test
	_ = rc.SetWriteDeadline(at)
}

// untilDrain returns a context that also ends when the server begins to shut down.
func untilDrain(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	s, ok := ctx.Value(serverKey{}).(*serving)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(s.draining, func() { cancel(ErrDraining) })
	return ctx, func(cause error) { stop(); cancel(cause) }
}
