package transport

import (
	"maps"
	"net/http"
	"sync/atomic"
)

// names are the headers that package provider asks for, and how net/http keeps
// them: to write each again for each answer would cost more than all the rest of
// reading it. There are only so many.
var names atomic.Pointer[map[string]string]

// valueOf returns a function that returns the first value of a header.
func valueOf(h http.Header) func(name string) string {
	return func(name string) string {
		known := names.Load()
		if known != nil {
			if canonical, ok := (*known)[name]; ok {
				if v := h[canonical]; len(v) > 0 {
					return v[0]
				}
				return ""
			}
		}
		more := map[string]string{}
		if known != nil {
			more = maps.Clone(*known)
		}
		more[name] = http.CanonicalHeaderKey(name)
		names.CompareAndSwap(known, &more) // who loses comes again with the next answer
		return h.Get(name)
	}
}
