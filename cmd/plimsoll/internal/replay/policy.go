package replay

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Policy is the subject of a replay: it decides which deployment a call goes to. It
// sees the call's request, never its output tokens. It is used from one goroutine.
type Policy interface {
	// Admit counts one more attempt of a call on a deployment that it chooses,
	// none of those tried before. ok is false if none has room.
	Admit(r trace.Request, tried []int) (a Attempt, ok bool)
}

// Attempt is a call on its way to one deployment. One of Served and Refused
// ends it.
type Attempt interface {
	// Deployment returns the deployment's place in the pool.
	Deployment() int
	// Reserved returns the tokens counted there until the attempt ends. For a
	// policy that reserves nothing it is the prompt: what the call costs at
	// least.
	Reserved() int64
	// Served reports that the call has ended, and its cost.
	Served(r trace.Request)
	// Refused reports that the provider has just refused the call, and the
	// Retry-After it sent: whole seconds from the moment it judged.
	Refused(retryAfter time.Duration)
}

// Listener is an [Attempt] that receives the headers of providers' answers,
// where they say something: with the first token of an answer (status 200), or
// just before Refused (429), which has a body too.
type Listener interface {
	Headers(status int, header func(name string) string, body []byte)
}

// NewPolicy makes a policy for a pool. now is the time of the replay, which
// begins at [Start], nil if that is the real one; seed is for the policy's own
// random choices.
type NewPolicy func(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error)
