package transport

import (
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

const (
	// emptyAccount is how long a deployment cools down whose account has nothing
	// left: nobody says for how long.
	emptyAccount = 10 * time.Minute
	// shortestGuess is the pause after a failure that does not say how long it
	// lasts. It doubles with each further failure, up to longestGuess.
	shortestGuess = time.Second
	longestGuess  = 30 * time.Second
)

// retryable reports whether another deployment may answer in place of this one: not
// where it is the request that is wrong. Who may not call is the deployment, as no
// credential of the client's is sent.
func retryable(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// signal reads what an answer says. body is that of a refusal, or an error inside
// a stream.
func (c *call) signal(status int, body []byte) provider.Signal {
	return provider.Read(provider.Answer{
		Provider: c.place.provider(), Status: status, Header: c.header.Get, Body: body, At: time.Now(),
	})
}

// cool keeps a deployment from being picked after a refusal or a failure, for as
// long as the provider said. Without a word from it the pause is short, grows
// with every failure in a row, and is left out for the last deployment that its
// group could still use: errors alone never take that away.
func (t *Transport) cool(c *call, s provider.Signal) {
	if s.Kind == provider.TooLarge {
		return // says nothing about other requests
	}
	fails := c.place.failures.Add(1)
	switch {
	case s.Kind == provider.NoMoney:
		c.ref.Cooldown(max(s.RetryAfter, emptyAccount))
		return
	case s.RetryAfter > 0:
		c.ref.Cooldown(s.RetryAfter)
		return
	case s.Kind != provider.RateLimit && fails < 2:
		return // once is no pattern
	}
	t.cooling.Lock() // or two could each see the other as what is left
	defer t.cooling.Unlock()
	if t.spare(c) {
		c.ref.Cooldown(min(shortestGuess<<min(fails-1, 10), longestGuess))
	}
}

// spare reports whether the group has another deployment that is neither
// disabled nor cooling down.
func (t *Transport) spare(c *call) bool {
	for _, o := range t.engine.Explain(c.group.Name(), engine.Demand{}).Candidates {
		if o.ID != c.ref.ID() && o.Enabled && o.CoolingFor <= 0 {
			return true
		}
	}
	return false
}
