package provider

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Rule is a deployment's account at its provider: package fuzz/rule in the terms
// of a replay. It sees calls in the order in which they reach the provider.
type Rule struct {
	account *rule.Account
	bodies  bool // its refusals have bodies: it is a provider's rule
}

// NewRule opens the account of a deployment that has counted nothing yet.
type NewRule func(d Deployment) *Rule

// open opens an account by a rule. Minutes of its own begin at a millisecond that
// follows from the ID, so that it is the same in every run.
func open(r rule.Rule, d Deployment) *Rule {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.ID)) // never fails
	phase := time.Duration(h.Sum64()%uint64(time.Minute/time.Millisecond)) * time.Millisecond
	return &Rule{r.Open(d.limits(), phase), r.Source != ""}
}

// NewFixedMinute opens an account with limits per UTC minute; see the rule "fixed".
func NewFixedMinute(d Deployment) *Rule { return open(named("fixed"), d) }

// NewSoftCap opens an account whose provider takes every call.
func NewSoftCap(d Deployment) *Rule { return open(named("softcap"), d) }

// named returns a rule that is there.
func named(name string) rule.Rule {
	r, ok := rule.Named(name)
	if !ok {
		panic("no rule " + name)
	}
	return r
}

// call returns what a provider knows of a request.
func call(r trace.Request) rule.Call {
	return rule.Call{Input: r.Input, Output: r.Output, MaxOutput: r.MaxOutput}
}

// Admit judges a call that arrives now. It returns nil and charges the call, or
// the refusal.
func (r *Rule) Admit(now time.Time, q trace.Request) *rule.Refusal {
	return r.account.Admit(now.UnixNano(), call(q))
}

// End counts the answer of a call admitted before, which ends now.
func (r *Rule) End(now, admitted time.Time, q trace.Request) {
	r.account.End(now.UnixNano(), admitted.UnixNano(), call(q))
}

// Fits reports whether Admit would admit a call.
func (r *Rule) Fits(now time.Time, q trace.Request) bool {
	return r.account.Fits(now.UnixNano(), call(q))
}

// AppendStates appends the state of each limit.
func (r *Rule) AppendStates(states []rule.State, now time.Time) []rule.State {
	return r.account.AppendStates(states, now.UnixNano())
}

// Answer returns the headers of an answer, by a name in any case, and the body of
// a provider's refusal.
func (r *Rule) Answer(now time.Time, refusal *rule.Refusal) (header func(name string) string, body []byte) {
	all := r.account.Headers(now.UnixNano(), refusal)
	if refusal != nil && r.bodies {
		_, body = r.account.Body(refusal)
	}
	return func(name string) string { return all[strings.ToLower(name)] }, body
}
