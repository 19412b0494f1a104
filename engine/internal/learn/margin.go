package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Margin is a margin that refusals teach: a provider that refuses again and again what
// fits by its limits counts more than was reserved, or more than it reports.
type Margin struct {
	percent int   // of each limit that is left unused
	refused int64 // when the latest refusal came, Unix ns; 0 = there was none
	eased   int64 // when percent last fell, Unix ns; 0 = never
}

const (
	// marginWithin is how soon after another a refusal adds a percent.
	marginWithin = int64(5 * time.Minute)
	// marginMost is up to how many percent.
	marginMost = 10
	// marginEases is how long after the latest refusal, and after the last time, a
	// percent is taken back.
	marginEases = int64(5 * time.Minute)
)

// Percent returns how much of each limit is left unused, in percent.
func (c *Margin) Percent() int { return c.percent }

// Refuse takes in that a request sent at an instant was refused. Refusals of requests
// that were sent before the latest one came are that one. It reports whether the margin
// grows.
func (c *Margin) Refuse(sent, now int64) (grows bool) {
	if c.refused != 0 && sent <= c.refused {
		return false
	}
	if c.refused != 0 && now-c.refused <= marginWithin && c.percent < marginMost {
		c.percent++
		grows = true
	}
	c.refused = now
	return grows
}

// Corrects reports whether a refusal reports exactly what remains of a limit on tokens per
// minute. Then the counters follow the figure, and a margin would only add to that. What
// providers report when nothing remains, without when more will, is the refusal itself.
func Corrects(s *provider.Signal) bool {
	for l, r := range s.Readings() {
		exact := r.HasRemaining && r.Grain <= 1 && (r.Remaining > 0 || r.Reset > 0)
		if exact && l.Per() == provider.PerMinute && l.Counts() != provider.Requests {
			return true
		}
	}
	return false
}

// EasesAt returns when a percent is taken back, 0 if there is none.
func (c *Margin) EasesAt() int64 {
	if c.percent == 0 {
		return 0
	}
	return max(c.refused, c.eased) + marginEases
}

// EndsAt returns when nothing is left of the margin without further refusals, 0 if
// nothing is now.
func (c *Margin) EndsAt() int64 {
	if c.percent == 0 {
		return 0
	}
	return c.EasesAt() + int64(c.percent-1)*marginEases
}

// Ease takes back what the time that has passed takes back.
func (c *Margin) Ease(now int64) {
	for at := c.EasesAt(); at != 0 && at <= now; at = c.EasesAt() {
		c.percent--
		c.eased = at
	}
}
