package transport

import (
	"cmp"
	"fmt"
	"time"
)

// Timeouts bound how long a provider may be silent. In a [Config] a zero field is the
// default, in an [Endpoint] the Config's; a negative one is no bound.
type Timeouts struct {
	// Connect bounds a new connection, with its TLS handshake: 5 s by default.
	Connect time.Duration
	// FirstByte bounds the time from sending a request to the first byte of its answer's
	// body, where no stream is asked for: 600 s by default. Such an answer often comes as
	// a whole.
	FirstByte time.Duration
	// StreamFirstByte is FirstByte where a stream is asked for: 120 s by default.
	StreamFirstByte time.Duration
	// Idle bounds the time between two pieces of an answer, as long as they are waited
	// for: 300 s by default.
	Idle time.Duration
}

const (
	defaultConnect         = 5 * time.Second
	defaultFirstByte       = 600 * time.Second
	defaultStreamFirstByte = 120 * time.Second
	defaultIdle            = 300 * time.Second
	longestTimeout         = 24 * time.Hour
	// pingAfter and pingWait bound how long a dead HTTP/2 connection is not noticed: a
	// ping follows when nothing was received for so long, and waits so long.
	pingAfter = 10 * time.Second
	pingWait  = 5 * time.Second
	// refusalTime is how long the beginning of a refusal, which decides on it, may take.
	refusalTime = 5 * time.Second
)

// or returns the timeouts, those that are zero from others.
func (t Timeouts) or(o Timeouts) Timeouts {
	return Timeouts{
		Connect: cmp.Or(t.Connect, o.Connect), FirstByte: cmp.Or(t.FirstByte, o.FirstByte),
		StreamFirstByte: cmp.Or(t.StreamFirstByte, o.StreamFirstByte), Idle: cmp.Or(t.Idle, o.Idle),
	}
}

var defaultTimeouts = Timeouts{defaultConnect, defaultFirstByte, defaultStreamFirstByte, defaultIdle}

func (t Timeouts) validate(p *problems, at string) {
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"Connect", t.Connect}, {"FirstByte", t.FirstByte}, {"StreamFirstByte", t.StreamFirstByte}, {"Idle", t.Idle}} {
		if f.d > 0 && f.d < time.Millisecond || f.d > longestTimeout {
			p.addf("%sTimeouts.%s: is %s; use 1ms to %s, 0 for the default, or a negative one for no bound", at, f.name, f.d, longestTimeout)
		}
	}
}

// timeoutError says for what was waited in vain.
type timeoutError struct {
	what string
	d    time.Duration
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s within %s", e.what, e.d) }

// Timeout says that it is one, as errors of package net do.
func (e *timeoutError) Timeout() bool { return true }
