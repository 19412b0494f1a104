package replay

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// roomShare is the share of a limit that has to be free, beside the request,
// for a refusal to be one that a node with full knowledge would not have made.
const roomShare = 0.02

// audit keeps accounts of all nodes' admissions by UTC minute, independently of
// the nodes' own counters.
type audit struct {
	minute time.Time // of the latest offer
	// What was offered in this minute to all deployments together, and what
	// their limits allow; an allowance of 0 = not all have such a limit.
	requests, tokens             int64
	requestsAllowed, tokensAllow int64
	deployments                  []audited
	offered, withRoom            int64
}

// audited are the accounts of one deployment.
type audited struct{ requests, tokens *account }

// charge is one attempt in the accounts.
type charge struct {
	node, place int
	minute      time.Time
	tokens      int64
}

// newAudit opens the accounts; nodes and span are those of [newAccount].
func newAudit(nodes int, span time.Duration, pool []provider.Deployment, now time.Time) *audit {
	a := &audit{minute: now.Truncate(time.Minute)}
	noRequests, noTokens := false, false
	for _, d := range pool {
		a.deployments = append(a.deployments, audited{newAccount(d.RPM, nodes, span), newAccount(d.TPM, nodes, span)})
		a.requestsAllowed += max(0, d.RPM)
		a.tokensAllow += max(0, d.TPM)
		noRequests, noTokens = noRequests || d.RPM == 0, noTokens || d.TPM == 0
	}
	if noRequests {
		a.requestsAllowed = 0
	}
	if noTokens {
		a.tokensAllow = 0
	}
	return a
}

// offer enters a request that arrives, or comes back for another attempt.
func (a *audit) offer(now time.Time, r trace.Request, again bool) {
	for minute := now.Truncate(time.Minute); a.minute.Before(minute); a.minute = a.minute.Add(time.Minute) {
		a.closeMinute()
	}
	if !again {
		a.offered++
		a.requests++
		a.tokens += r.Tokens()
	}
}

// refuse enters that the policy refused the request.
func (a *audit) refuse(r trace.Request, tried []int) {
	for i, d := range a.deployments {
		if !slices.Contains(tried, i) && d.requests.hasRoom(1) && d.tokens.hasRoom(r.Tokens()) {
			a.withRoom++
			return
		}
	}
}

// admit enters an attempt that a node has admitted.
func (a *audit) admit(now time.Time, node int, attempt Attempt) charge {
	c := charge{node, attempt.Deployment(), a.minute, attempt.Reserved()}
	d := a.deployments[c.place]
	d.requests.admit(now, node, 1)
	d.tokens.admit(now, node, c.tokens)
	return c
}

// end enters the final cost of an attempt. The difference to its reservation counts
// in the minute of its admission while that is the current one or the one before.
// Later a positive difference counts in the current minute.
func (a *audit) end(now time.Time, c charge, tokens int64) {
	t, more := a.deployments[c.place].tokens, tokens-c.tokens
	if age := a.minute.Sub(c.minute); age == 0 || age > time.Minute && more > 0 {
		t.used += more
		t.recent[c.node].add(now, more)
	}
}

// closeMinute ends the accounts of a minute.
func (a *audit) closeMinute() {
	for _, d := range a.deployments {
		d.requests.closeMinute(a.requestsAllowed > 0 && a.requests > a.requestsAllowed)
		d.tokens.closeMinute(a.tokensAllow > 0 && a.tokens > a.tokensAllow)
	}
	a.requests, a.tokens = 0, 0
}
