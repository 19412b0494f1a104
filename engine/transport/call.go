package transport

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// pieceStep is how many pieces of output of a running stream are reported to the engine at
// once.
const pieceStep = 16

// A call is an attempt in progress. It ends once, by the first of these: the
// answer's last byte, its reader closing it, or the request's context.
type call struct {
	t         *Transport
	group     *engine.Group
	ref       engine.Ref
	place     *place
	header    http.Header // of the answer
	input     int64       // estimated; -1 = it was not
	expected  int64       // output tokens, reserved
	kind      promptKind
	estimated int64       // the prompt, not corrected
	sent      atomic.Bool // the request's body was read to its end
	began     time.Time   // before the deployment was chosen

	mu      sync.Mutex
	lease   engine.Lease
	report  Attempt
	usage   usage
	pieces  int64 // of output that came by: at least a token each
	added   int64 // of them, what was reported to the engine beyond the reservation
	refused bool  // inside a stream
	ended   bool
	stop    func() bool // no longer watch the context
}

// watch makes the call end when the context ends.
func (c *call) watch(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { c.cut(ctx.Err()) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
}

// saw applies the usage that the provider reports.
func (c *call) saw(u usage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.usage.merge(u)
}

// piece counts one piece of output, and reports to the engine when there is more than
// was reserved.
func (c *call) piece() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pieces++
	if more := c.pieces - c.expected - c.added; more >= pieceStep && !c.ended {
		c.lease.Add(more)
		c.added += more
	}
}

// refusal records an error inside a stream.
func (c *call) refusal(body []byte) {
	c.mu.Lock()
	again := c.refused
	c.refused = true
	c.mu.Unlock()
	if !again {
		c.observe(c.signal(body))
	}
}

// observe reports the signal of an answer, or of a missing answer, to the engine. It must be
// called before the call ends.
func (c *call) observe(s provider.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lease.Observe(s)
}

// signal returns the signal of an answer. body is that of a refusal, or an error inside a
// stream.
func (c *call) signal(body []byte) provider.Signal {
	return provider.Read(provider.Answer{
		Provider: c.place.provider(), Status: c.report.Status, Header: valueOf(c.header), Body: body, At: time.Now(),
	})
}

// finish ends a call whose answer is complete.
func (c *call) finish() {
	c.close(func() {
		switch {
		case c.usage.some():
			c.report.Reported = true
			c.place.tuning.learn(c.kind, bill{c.estimated, c.usage.prompt()})
			c.settle(c.usage.of(c.ref, max(c.input, 0), max(c.pieces, c.expected)))
		case c.refused && c.pieces == 0:
			c.settle(engine.Usage{})
		default:
			c.keep()
		}
	})
}

// cut ends a call whose answer was not read to its end. It is settled with the tokens seen, or,
// if there are none, with the reservation. err is nil if the reader
// has stopped reading.
func (c *call) cut(err error) {
	c.close(func() {
		c.report.Err = err
		u := c.usage.of(c.ref, c.input, c.pieces)
		u.OutputTokens = max(u.OutputTokens, c.pieces)
		switch {
		case c.refused && c.pieces == 0 && !c.usage.known():
			c.settle(engine.Usage{})
		case u.InputTokens < 0 || u.OutputTokens <= 0:
			c.keep()
		default:
			c.settle(u)
		}
	})
}

// refuse ends a call that the provider answered with an error: it counts no tokens,
// and a request only if the profile has CountsRefused.
func (c *call) refuse() { c.close(func() { c.settle(engine.Usage{}) }) }

// astray ends a call whose answer came from no provider: it counts no tokens.
func (c *call) astray(err error) {
	c.close(func() {
		c.report.Err = err
		c.settle(engine.Usage{})
	})
}

// fail ends a call without an answer. The provider may have counted it, unless it
// did not have all of the request.
func (c *call) fail(err error) {
	c.close(func() {
		c.report.Err = err
		if !c.sent.Load() {
			c.report.Ending = Released
			c.lease.Release()
			return
		}
		c.keep()
	})
}

// unsent ends a call that was not sent.
func (c *call) unsent(err error) {
	c.close(func() {
		c.report.Err, c.report.Ending = err, Released
		c.lease.Release()
	})
}

func (c *call) settle(u engine.Usage) {
	c.report.Ending, c.report.Usage = Settled, u
	c.lease.Settle(u)
}

func (c *call) keep() {
	c.report.Ending = Kept
	c.lease.SettleReserved()
}

// close runs end, once, and reports the attempt.
func (c *call) close(end func()) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	end()
	report, stop := c.report, c.stop
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
	if c.t.done != nil {
		c.t.done(report)
	}
}
