package api

import (
	"math/rand/v2"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	defaultTTL    = 15 * time.Minute
	defaultLeases = 1_000_000
	defaultHeld   = 64 << 20
)

// withDefaults returns c with its zero fields set to their defaults.
func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = window.NewClock()
	}
	if c.LeaseTTL == 0 {
		c.LeaseTTL = defaultTTL
	}
	if c.MaxLeases == 0 {
		c.MaxLeases = defaultLeases
	}
	none := func(string) {}
	if c.Admitted == nil {
		c.Admitted = none
	}
	if c.Refused == nil {
		c.Refused = none
	}
	if c.MaxHeld == 0 {
		c.MaxHeld = defaultHeld
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return c
}
