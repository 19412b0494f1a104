package cmdline

import "context"

type hurryKey struct{}

// WithHurry returns a context that carries hurry. Ctx ends a command in order. Hurry is
// closed when the command must end quickly: at a second signal, or at the first Ctrl-C.
func WithHurry(ctx context.Context, hurry <-chan struct{}) context.Context {
	return context.WithValue(ctx, hurryKey{}, hurry)
}

// HurryOf returns the channel of WithHurry; nil = there is none.
func HurryOf(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(hurryKey{}).(<-chan struct{})
	return c
}
