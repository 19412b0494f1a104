// Package server is the daemon's HTTP server: listeners, bounds on connections and
// requests, tokens, and an orderly shutdown. It does not depend on the handlers.
//
// Requests and answers have time-outs of seconds. [Stream] and [Linger] are for
// handlers that take longer, such as a stream of events.
package server
