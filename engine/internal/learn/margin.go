package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Margin is a margin learned from refusals. A provider that repeatedly refuses requests that
// fit its limits counts more than was reserved, or more than it reports.
type Margin struct {
	percent int   // of each limit that is left unused
	refused int64 // when the latest refusal came, Unix ns; 0 = there was none
	eased   int64 // when percent last fell, Unix ns; 0 = never
}

const (
	// marginWithin is the longest time between two refusals of which the second adds a
	// percent, in ns.
	marginWithin = int64(5 * time.Minute)
	// marginMost is the largest margin, in percent.
	marginMost = 10
	// marginEases is the time after the latest refusal, or the latest fall, after which the
	// margin falls by a percent, in ns.
	marginEases = int64(5 * time.Minute)
)

// Percent returns how much of each limit is left unused, in percent.
func (c *Margin) Percent() int { return c.percent }

// Refuse applies a refusal of a request that was sent at an instant. Refusals of requests
// that were sent before the latest refusal was received count as that one. It reports whether
// the margin grows.
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
// minute. The counters then follow the figure, and a margin would be counted on top of it. A
// remainder of 0 without a reset is no figure: it only repeats the refusal.
func Corrects(s *provider.Signal) bool {
	for l, r := range s.Readings() {
		exact := r.HasRemaining && r.Grain <= 1 && (r.Remaining > 0 || r.Reset > 0)
		if exact && l.Per() == provider.PerMinute && l.Counts() != provider.Requests {
			return true
		}
	}
	return false
}

// EasesAt returns when the margin falls by a percent, Unix ns; 0 if there is no margin.
func (c *Margin) EasesAt() int64 {
	if c.percent == 0 {
		return 0
	}
	return max(c.refused, c.eased) + marginEases
}

// EndsAt returns when the margin will be 0 without further refusals, Unix ns; 0 if there is no
// margin.
func (c *Margin) EndsAt() int64 {
	if c.percent == 0 {
		return 0
	}
	return c.EasesAt() + int64(c.percent-1)*marginEases
}

// Ease lowers the margin for the time that has passed until an instant.
func (c *Margin) Ease(now int64) {
	for at := c.EasesAt(); at != 0 && at <= now; at = c.EasesAt() {
		c.percent--
		c.eased = at
	}
}
