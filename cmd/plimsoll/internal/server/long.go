package server

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrDraining is the cause of the end of a context of [Linger] when the server is
// about to end.
var ErrDraining = errors.New("the daemon is about to end; ask another one")

// serving is what requests know of their server.
type serving struct {
	draining context.Context // ends when the server is about to
	answer   time.Duration   // [Limits.Answer]
}

type serverKey struct{}

// Stream lifts the limits on time off a handler whose answer goes on for long.
// The request's context ends when the client goes or the server is about to end.
// The handler bounds each of its writes by [http.ResponseController.SetWriteDeadline]:
// a client that does not read would hold it up.
func Stream(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deadlines(w, time.Time{})
		ctx, cancel := untilDrain(r.Context())
		defer cancel(nil)
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Linger gives a request, whose body has been read, d longer than others have
// before its answer. The context that it returns ends when the client goes, or
// the server is about to end: then [ErrDraining] is its cause. The function that
// it returns ends the context too.
func Linger(w http.ResponseWriter, r *http.Request, d time.Duration) (context.Context, func()) {
	if s, ok := r.Context().Value(serverKey{}).(*serving); ok {
		deadlines(w, time.Now().Add(d+s.answer))
	}
	ctx, cancel := untilDrain(r.Context())
	return ctx, func() { cancel(nil) }
}

// deadlines sets when reading from the client and writing to it end. A client that
// sends nothing is noticed to be there by reading from it.
func deadlines(w http.ResponseWriter, at time.Time) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(at) // not there in tests with a recorder
	_ = rc.SetWriteDeadline(at)
}

// untilDrain returns a context that ends with the server's readiness too.
func untilDrain(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	s, ok := ctx.Value(serverKey{}).(*serving)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(s.draining, func() { cancel(ErrDraining) })
	return ctx, func(cause error) { stop(); cancel(cause) }
}
