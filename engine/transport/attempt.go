package transport

import (
	"context"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Attempt is one request that was sent to one deployment, or could not be. It
// holds no credential.
type Attempt struct {
	Context    context.Context // the request's
	Group      string
	Deployment string
	Number     int // of the attempts for this request, from 1
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Err is why there was no answer, or why it ended early; nil otherwise. A client
	// that stops reading is no error.
	Err error
	// FirstToken is the time from sending the request to the first content of a
	// streamed answer; 0 = the answer was no stream, or no content came.
	FirstToken time.Duration
	// Reserved is the reservation, in tokens.
	Reserved int64
	// Ending is how the reservation ended. If that is Settled, Usage has replaced it.
	Ending Ending
	Usage  engine.Usage
	// Reported is true if the provider has reported the usage. An answer that was cut short
	// is settled with the tokens seen until then.
	Reported bool
}

// Ending is how a reservation ended.
type Ending uint8

// The endings, as those of an [engine.Lease].
const (
	Settled  Ending = iota + 1 // a usage took the reservation's place; none at all for a refusal
	Kept                       // the usage is unknown: the reservation stands
	Released                   // the provider was not reached: as if it had not been
)

// String returns the ending's name: settled, kept or released.
func (e Ending) String() string {
	switch e {
	case Settled:
		return "settled"
	case Kept:
		return "kept"
	case Released:
		return "released"
	}
	return "unknown"
}
