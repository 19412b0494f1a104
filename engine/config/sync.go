package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// syncModes are how nodes can keep a limit together.
var syncModes = []string{"usage", "escrow", "auto"}

// Sync is how the nodes keep the limits of one deployment together. The zero value leaves all
// of them to [Store.Mode].
type Sync struct {
	// All is usage, escrow or auto, of every limit that Limits does not have; "" = as
	// Store.Mode says.
	All string
	// Limits are single limits that differ.
	Limits map[provider.Limit]string
}

// Of returns how the nodes keep a limit together: usage, escrow or auto; "" = as
// [Store.Mode] says.
func (s Sync) Of(l provider.Limit) string { return cmp.Or(s.Limits[l], s.All) }

// readSync reads how the limits of a deployment are kept together: one mode, or one for each
// limit.
func readSync(d section) (s Sync) {
	const key = "sync"
	v := d.table.get(key)
	if v.absent() {
		return s
	}
	if v.kind != table {
		s.All = d.oneOf(key, syncModes)
		return s
	}
	in := d.over(v, d.path+key+".")
	in.unknown(limitKeys()...)
	for l := range provider.AllLimits() {
		mode := in.oneOf(l.Key(), syncModes)
		switch {
		case mode == "":
			continue
		case l == provider.InFlight:
			d.errorf(in.table.get(l.Key()).line, in.path+l.Key(), "calls in flight are each node's own and not shared; take the line out")
			continue
		case d.table.get(l.Key()).absent():
			d.errorf(in.table.get(l.Key()).line, in.path+l.Key(), "the deployment has no limit %s; add one, or take the line out", l.Key())
			continue
		}
		if s.Limits == nil {
			s.Limits = map[provider.Limit]string{}
		}
		s.Limits[l] = mode
	}
	return s
}

// escrows reports whether any limit is to be held by escrow whatever happens.
func (s Sync) escrows() bool {
	for _, mode := range s.Limits {
		if mode == "escrow" {
			return true
		}
	}
	return s.All == "escrow"
}

// checkSync looks for modes that the store cannot do.
func (f *File) checkSync(s section) {
	if f.Store.KeyFormat != "litellm" {
		return
	}
	for _, d := range f.Engine.Deployments {
		if !f.Sync[d.ID].escrows() {
			continue
		}
		at := slices.IndexFunc(s.table.get("deployments").items, func(v *value) bool { return v.kind == table && v.get("id") != nil && v.get("id").text == d.ID })
		if at < 0 {
			continue
		}
		v := s.table.get("deployments").items[at].get("sync")
		s.errorf(v.line, fmt.Sprintf("deployments[%d].sync", at), escrowNeeds)
	}
}

// escrowNeeds says why LiteLLM's keys and escrow do not go together.
const escrowNeeds = "escrow needs counters that can be renamed after a loss, and LiteLLM's cannot; use usage or auto, or take key_format: litellm out"
