// Package server is how the daemon is reached: listeners, limits on connections
// and requests, who may call, and an orderly end. It knows nothing of what is
// served.
//
// Requests and answers have a few seconds each. A handler whose answer lasts
// longer, such as a stream of events, is wrapped in [Stream].
package server
