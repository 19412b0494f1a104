package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Cooldown keeps the deployment from being picked or admitted for d from now. It never
// shortens a cooldown; 0 or less ends it. Collect reports it to the other nodes, for at most
// 25 hours; ending it is not reported.
func (r Ref) Cooldown(d time.Duration) {
	if r.h == nil {
		return
	}
	h := r.h
	h.change(func(now int64) {
		if d <= 0 {
			h.uncool()
			return
		}
		until := now + int64(d)
		if until < now {
			until = math.MaxInt64
		}
		h.pause(until)
		h.announce(until, now)
	})
}

// SetEnabled is the switch of an operator or a health check. It holds until it
// is called again or an Apply changes [Deployment.Disabled]. Switching a deployment
// off and on ends a cooldown that began because its account was empty.
func (r Ref) SetEnabled(on bool) {
	if r.h == nil {
		return
	}
	h := r.h
	h.change(func(int64) {
		if on && !h.enabled && h.breaker.Cause() == provider.NoMoney {
			h.uncool()
		}
		h.enabled = on
	})
}

// Cooldowns returns how many cooldowns of the deployment began on this node since it
// was configured, by [CooldownCause]. A cooldown that is prolonged counts once, by its
// first cause. It is safe for concurrent use. The zero Ref has none.
func (r Ref) Cooldowns() (counts [CooldownCauses]int64) {
	if r.h != nil {
		r.h.locked(func(*owner, int64) { counts = r.h.cooldowns })
	}
	return counts
}

// Profile returns how the deployment's provider counts: as the current configuration says,
// with the phase and the shape that answers have shown where these are to be learned. The
// zero Profile for the zero Ref and for a deployment that is no longer configured. It takes
// the lock of the deployment's group.
func (r Ref) Profile() provider.Profile {
	if r.h == nil {
		return provider.Profile{}
	}
	var p provider.Profile
	r.h.locked(func(*owner, int64) {
		if !r.h.gone {
			p = r.h.cfg.Profile
		}
	})
	return p
}
