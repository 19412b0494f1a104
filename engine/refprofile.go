package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

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
