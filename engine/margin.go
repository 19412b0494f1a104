package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// margined returns the deployment with its limits after its margin and after the margin that
// refusals have taught, in percent.
func (d *Deployment) margined(learned int) *Deployment {
	if d.Margin == 0 && learned == 0 {
		return d
	}
	own := *d
	own.Limits = d.Limits.withMargin(d.Margin).withCaution(learned)
	return &own
}

// withMargin returns the limits after a margin, rounded down, but
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

// withCaution returns the limits after a learned margin in percent, which applies to tokens per
// minute alone. Requests are counted exactly, and a percent of few requests is a whole one.
func (l Limits) withCaution(percent int) Limits {
	for of := range provider.AllLimits() {
		if n := l.Of(of); *n > 0 && of.Per() == provider.PerMinute && of.Counts() != provider.Requests {
			*n = max(*n-(*n*int64(percent)+99)/100, 1)
		}
	}
	return l
}
