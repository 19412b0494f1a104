package transport

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// cool keeps a deployment from being picked after a refusal or a failure, for as
// long as the provider said. Without a word from it the pause is short, grows
// with every failure in a row, and is left out for the last deployment that its
// group could still use: errors alone never take that away. It returns the pause.
func (t *Transport) cool(c *call, s signal) time.Duration {
	if s.kind == tooLarge {
		return 0 // says nothing about other requests
	}
	fails := c.place.failures.Add(1)
	if s.said {
		if s.after > 0 {
			c.ref.Cooldown(s.after)
		}
		return s.after
	}
	if s.kind == failed && fails < 2 {
		return 0 // once is no pattern
	}
	pause := min(unsaidPause<<min(fails-1, 10), longestGuess)
	t.cooling.Lock() // or two could each see the other as what is left
	defer t.cooling.Unlock()
	if !t.spare(c) {
		return 0
	}
	c.ref.Cooldown(pause)
	return pause
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
