package lab

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Policy chooses deployments. It sees a call's request, never its output.
// It is used from one goroutine.
type Policy interface {
	// Admit asks for a deployment for one more attempt of a call, none of those tried
	// before. It calls answer once, at once or, where calls wait, later: with nil if there
	// is none.
	Admit(number uint64, r trace.Request, tried []int, answer func(Attempt))
}

// Attempt is a call on its way to one deployment. One of Served, Refused and Failed ends it.
type Attempt interface {
	// Deployment returns the deployment's place in the pool.
	Deployment() int
	// Headers reports the status, headers and error body of an answer: with the first token
	// (status 200), just before Refused (429), or just before Failed. It is not called for
	// calls that got no answer.
	Headers(status int, header func(name string) string, body []byte)
	// Served reports that the call has ended, and its usage: cached are the tokens of the
	// prompt that the provider had in its cache.
	Served(r trace.Request, cached int64)
	// Refused reports that the provider refused the call, and the Retry-After in whole
	// seconds; 0 = none was sent.
	Refused(retryAfter time.Duration)
	// Failed reports that the call failed, with its status; 0 = there was no answer.
	Failed(status int)
}

// Setting is what a policy is made for.
type Setting struct {
	World *World
	Pool  []provider.Deployment // as configured
	Now   func() time.Time
	// Virtual is true where package time itself is virtual, see [bubble].
	Virtual bool
	Seed    uint64
	Length  time.Duration // of the run
	sim     *simulation   // for policies that see everything
}

// NewPolicy makes a policy.
type NewPolicy func(s *Setting) (Policy, error)

// withoutHeaders is the part of an attempt that ignores headers.
type withoutHeaders struct{}

func (withoutHeaders) ignoresHeaders() {}

func (withoutHeaders) Headers(int, func(string) string, []byte) {}
