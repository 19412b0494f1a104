package transport

import (
	"cmp"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Profiles returns the configuration with the rule of its provider as the profile
// of each deployment that has an endpoint and whose profile is zero:
// [provider.Preset], or [provider.Unknown] where that knows no such provider. The
// configuration given is not changed. Use it for [engine.New] and for each
// [engine.Engine.Apply].
//
// A profile that is given stays as it is. The plain rule is given by weights that
// are written out: provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1,
// Output: 1}.
func Profiles(cfg engine.Config, endpoints map[string]Endpoint) engine.Config {
	cfg.Deployments = slices.Clone(cfg.Deployments)
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		ep, ok := endpoints[d.ID]
		if !ok || d.Profile != (provider.Profile{}) {
			continue
		}
		d.Profile, _ = provider.Preset(ep.provider(), cmp.Or(ep.Model, d.Model, d.Group))
	}
	return cfg
}
