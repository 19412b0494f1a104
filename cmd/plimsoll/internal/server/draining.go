package server

import "context"

// Draining returns a context that ends when the server of a request begins to shut
// down; nil outside of a server.
func Draining(ctx context.Context) context.Context {
	if s, ok := ctx.Value(serverKey{}).(*serving); ok {
		return s.draining
	}
	return nil
}
