package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// margined returns the deployment with its limits after its margin and after the margin that
// refusals have taught, in percent. Limits are rounded down, but never below 1. MaxInFlight stays.
// The learned margin applies to tokens per minute alone: requests are counted exactly, and a percent
// of few requests is a whole one.
func (d *Deployment) margined(learned int) *Deployment {
	if d.Margin == 0 && learned == 0 {
		return d
	}
	own, part := *d, counter.PartOf(1-d.Margin)
	for of := range provider.AllLimits() {
		n := own.Limits.Of(of)
		if *n <= 0 || of.Per() == provider.AtOnce {
			continue
		}
		*n = max(part.Of(*n), 1)
		if of.Per() == provider.PerMinute && of.Counts() != provider.Requests {
			*n = max(*n-(*n*int64(learned)+99)/100, 1)
		}
	}
	return &own
}
