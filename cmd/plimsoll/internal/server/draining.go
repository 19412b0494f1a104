package server

import "context"

// Draining returns a context that ends when the server that answers a request is about
// to end; nil outside of a server.
func Draining(ctx context.Context) context.Context {
	if s, ok := ctx.Value(serverKey{}).(*serving); ok {
		return s.draining
	}
	return nil
}
