package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// margined returns a deployment whose limits are those after its margin, and after what
// refusals have taught, in percent.
func (d *Deployment) margined(learned int) *Deployment {
	if d.Margin == 0 && learned == 0 {
		return d
	}
	own := *d
	own.Limits = d.Limits.withMargin(d.Margin).withCaution(learned)
	return &own
}

// withMargin returns limits of which a share is left unused, rounded down, but
// never below 1. MaxInFlight stays.
func (l Limits) withMargin(margin float64) Limits {
	if margin == 0 {
		return l
	}
	part := counter.PartOf(1 - margin)
	for of := range provider.AllLimits() {
		if n := l.Of(of); *n > 0 && of.Per() != provider.AtOnce {
			*n = max(part.Of(*n), 1)
		}
	}
	return l
}

// withCaution returns limits of which so many percent are left unused, of tokens per
// minute alone: requests are counted exactly, and a percent of few is all of one.
func (l Limits) withCaution(percent int) Limits {
	for of := range provider.AllLimits() {
		if n := l.Of(of); *n > 0 && of.Per() == provider.PerMinute && of.Counts() != provider.Requests {
			*n = max(*n-(*n*int64(percent)+99)/100, 1)
		}
	}
	return l
}
