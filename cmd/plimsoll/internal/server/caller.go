package server

import (
	"context"
	"net/http"
)

// Caller returns the name of the token that a request carries; "" if it carries none
// of these.
func (t *Tokens) Caller(r *http.Request) string { return t.name(tokenOf(r)) }

// Draining returns a context that ends when the server that answers a request is about
// to end; nil outside of a server.
func Draining(ctx context.Context) context.Context {
	if s, ok := ctx.Value(serverKey{}).(*serving); ok {
		return s.draining
	}
	return nil
}
