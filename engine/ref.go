package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Cooldown makes the deployment cool down for d from now: no request is admitted to it. A
// shorter d does not shorten a cooldown under way; 0 or less ends it. Collect reports the
// cooldown to the other nodes, up to 25 hours of it. It does not report that a cooldown was
// ended. The zero Ref does nothing.
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
		h.began(h.breaker.Pause(until), provider.Fine)
		h.note()
		h.announce(until, now)
	})
}

// SetEnabled enables or disables the deployment on this node, for an operator or a health
// check. It holds until it is called again or an Apply changes [Deployment.Disabled]. Disabling
// and enabling a deployment ends a cooldown that began because its account was empty. The zero
// Ref does nothing.
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
// first cause. Safe for concurrent use. The zero Ref returns zeros.
func (r Ref) Cooldowns() (counts [CooldownCauses]int64) {
	if r.h != nil {
		r.h.locked(func(*owner, int64) { counts = r.h.cooldowns })
	}
	return counts
}

// Profile returns the profile in force: the configured one, with the phase and the shape
// learned from answers if it has LearnPhase or LearnShape. It returns the zero Profile for the
// zero Ref and for a deployment that is no longer configured. It takes the lock of the
// deployment's group. Safe for concurrent use.
func (r Ref) Profile() provider.Profile {
	if r.h == nil {
		return provider.Profile{}
	}
	var p provider.Profile
	r.h.locked(func(*owner, int64) {
		if !r.h.removed {
			p = r.h.cfg.Profile
		}
	})
	return p
}
