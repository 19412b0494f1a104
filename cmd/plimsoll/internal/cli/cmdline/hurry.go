package cmdline

import "context"

type hurryKey struct{}

// WithHurry returns a context that ends a command in order, and a channel that is
// closed when its end is to be hurried: at a second signal, or at once on Ctrl-C.
func WithHurry(ctx context.Context, hurry <-chan struct{}) context.Context {
	return context.WithValue(ctx, hurryKey{}, hurry)
}

// HurryOf returns the channel of WithHurry; nil = there is none.
func HurryOf(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(hurryKey{}).(<-chan struct{})
	return c
}
