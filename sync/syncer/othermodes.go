package syncer

import (
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// The store fixes the mode of a UTC minute, hour or day, and a node in usage mode finds it
// with the window's counters. It has no counters of pools and of windows that begin at times
// of their own, so there the modes of the other nodes decide: where one of them is configured
// for escrow, or for auto, this node holds these limits as it does.

// otherModes is what is known of the modes for which the other nodes are configured.
type otherModes struct {
	nodes int // that are configured for other modes than this one
	// seen is when another node was last found configured for a mode, all its limits
	// alike, Unix nanoseconds; 0 = never.
	seen [Auto + 1]int64
	// binding is the mode of limits of pools, and of windows that begin at times of their
	// own, for which this node is configured for usage.
	binding Mode
	// deviant is a deployment of which a limit has another mode than this node; "" = none
	// has.
	deviant string
}

// bindsFor is for how long the mode of a node that has gone, or that has another now, still binds.
const bindsFor = time.Minute

// here returns for which modes this node is configured.
func (s *Syncer) here() NodeModes { return NodeModesOf(s.cfg.Mode, s.otherModes.deviant != "") }

// meetModes takes in for which modes the other nodes are configured.
func (s *Syncer) meetModes(r *Reply, now int64) {
	here := s.here()
	s.otherModes.nodes = 0
	for i, modes := range r.Modes {
		m, ok := modes.Mode()
		if !ok || i >= len(r.Members) || r.Members[i] == s.cfg.Node {
			continue
		}
		if m <= Auto && !modes.deviates() {
			s.otherModes.seen[m] = now
		}
		if modes == here {
			continue
		}
		s.otherModes.nodes++
		if s.news("modes of "+r.Members[i], now) {
			s.cfg.Logger.Warn("a node of this namespace is configured for another mode: give all nodes the same",
				slog.String("node", r.Members[i]), slog.String("mode", modes.String()), slog.String("here", here.String()))
		}
	}
	s.bind(now)
}

// bind decides how limits are kept together whose mode the store does not show to a node in
// usage mode.
func (s *Syncer) bind(now int64) {
	binding := Usage
	for _, m := range [...]Mode{Auto, Escrow} {
		if at := s.otherModes.seen[m]; at != 0 && time.Duration(now-at) < bindsFor {
			binding = m
		}
	}
	if binding == s.otherModes.binding {
		return
	}
	s.otherModes.binding = binding
	for _, d := range s.deployments {
		s.refreshModes(d)
	}
}

// bound returns in which modes this node keeps limits together for which it is configured,
// where the store does not show it those of the other nodes.
func (s *Syncer) bound(m Modes, id string, kind window.Kind) Modes {
	if granted(id, kind) {
		for _, is := range []*Mode{&m.Requests, &m.Tokens, &m.Input, &m.Output} {
			if *is == Usage || *is == Auto && kind == window.KindSlice && s.otherModes.binding == Escrow {
				*is = s.otherModes.binding
			}
		}
	}
	if kind == window.KindSlice {
		return m.without(Auto)
	}
	return m
}

// findDeviant looks whether a deployment that was found to have a limit in another mode than
// this node still has it.
func (s *Syncer) findDeviant() {
	id := s.otherModes.deviant
	s.otherModes.deviant = ""
	for kind := range window.Kind(window.Kinds) {
		if id != "" && s.configured(id, kind) != AllModes(s.cfg.Mode) {
			s.otherModes.deviant = id
			return
		}
	}
}
