package transport

import (
	"net/http"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Retries of calls that a provider may have worked on are bounded: each of them can
// double the load of a provider in trouble, and what a call costs. A group may retry one
// in retryEvery of its calls, saves up retryMost, and has retryFirst in advance, which its
// first calls pay for: those that are under way when a deployment breaks fail together.
const (
	retryFirst = 40
	retryEvery = 10
	retryMost  = 100
)

// budget is what a group may retry, in parts of retryEvery.
type budget struct {
	parts   atomic.Int64
	advance atomic.Int64 // calls that pay for retryFirst and earn nothing
}

func newBudget() *budget {
	b := &budget{}
	b.parts.Store(retryFirst * retryEvery)
	b.advance.Store(retryFirst * retryEvery)
	return b
}

// earn takes in one call.
func (b *budget) earn() {
	if b.advance.Load() > 0 && b.advance.Add(-1) >= 0 {
		return
	}
	if b.parts.Load() < retryMost*retryEvery {
		b.parts.Add(1)
	}
}

// spend takes a retry, if there is one.
func (b *budget) spend() bool {
	if b.parts.Add(-retryEvery) >= 0 {
		return true
	}
	b.parts.Add(retryEvery)
	return false
}

// outcome is how an attempt ended that left the client without an answer.
type outcome struct {
	resp   *http.Response // a refusal or failure of the provider, unread
	err    error
	signal provider.Signal
	place  *place
}

func (o *outcome) discard() {
	if o != nil && o.resp != nil {
		_ = o.resp.Body.Close()
	}
}

// again reports whether another deployment may be tried. What was refused before any
// work was done may; what may have been worked on once, as long as the group has a
// retry, and not where each call creates something; what is too large for one deployment
// once, where another may be larger.
func (q *request) again(o *outcome, b *budget) bool {
	switch {
	case o.signal.Kind == provider.TooLarge:
		if q.large != nil {
			return false
		}
		q.large = o.place
	case o.signal.Worked:
		if q.doubled || q.creates() || !b.spend() {
			return false
		}
		q.doubled = true
	}
	return true
}

// creates reports whether each call creates something that stays.
func (q *request) creates() bool {
	if q.op == imageGenerations || q.op == imageEdits || q.op == imageVariations || q.op == speech {
		return true
	}
	return string(q.body.Get("background")) == "true" || string(q.body.Get("store")) == "true"
}

// larger reports whether an endpoint may take a request that is too large for another:
// it has a larger context window or another model. What is not known may be.
func (p *place) larger(than *place) bool {
	switch {
	case p.MaxInputTokens > 0 && than.MaxInputTokens > 0:
		return p.MaxInputTokens > than.MaxInputTokens
	case p.BaseModel != "" && than.BaseModel != "":
		return p.BaseModel != than.BaseModel
	}
	return true
}
