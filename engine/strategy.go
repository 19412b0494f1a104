package engine

import (
	"fmt"
	"strings"
)

// Strategy is the rule that ranks the deployments with room.
type Strategy uint8

const (
	// LeastUtilized ranks by the largest of used/limit over the limits that
	// are set (0 if none is), then by raw tokens used; the lowest wins, what is
	// still equal is drawn at random. Utilizations closer than 2^-24 count as
	// equal, and so do token counts above 2^28. The default.
	LeastUtilized Strategy = iota
	// LowestTPM ranks by the tokens used this minute, whatever the limits; the
	// lowest wins, equals are drawn at random. It is the rule of LiteLLM's
	// usage-based-routing-v2.
	LowestTPM
	// PowerOfTwo draws two distinct deployments at random and takes the one
	// LeastUtilized prefers. When neither has room, all are looked at.
	PowerOfTwo
	// Weighted draws in proportion to [Deployment.Weight] among the
	// deployments with room.
	Weighted
	// LeastBusy ranks by leases held on this node, as a share of MaxInFlight,
	// then by tokens used this minute; the lowest wins, equals are drawn at
	// random. A deployment without MaxInFlight is ranked as if it had the
	// largest of its group, or 1000 if no deployment of the group has one. It is
	// the rule of LiteLLM's least-busy.
	LeastBusy
)

var strategyNames = [...]string{"least-utilized", "lowest-tpm", "power-of-two", "weighted", "least-busy"}

// String returns the name that [ParseStrategy] reads.
func (s Strategy) String() string {
	if int(s) < len(strategyNames) {
		return strategyNames[s]
	}
	return fmt.Sprintf("Strategy(%d)", uint8(s))
}

// ParseStrategy returns the strategy of that name: least-utilized, lowest-tpm,
// power-of-two, weighted or least-busy.
func ParseStrategy(name string) (Strategy, error) {
	for i, n := range strategyNames {
		if n == name {
			return Strategy(i), nil
		}
	}
	return 0, fmt.Errorf("engine: unknown strategy %q; use one of %s", name, strings.Join(strategyNames[:], ", "))
}

// MarshalText implements [encoding.TextMarshaler].
func (s Strategy) MarshalText() ([]byte, error) {
	if int(s) >= len(strategyNames) {
		return nil, fmt.Errorf("engine: unknown strategy %d", uint8(s))
	}
	return []byte(strategyNames[s]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseStrategy].
func (s *Strategy) UnmarshalText(text []byte) error {
	v, err := ParseStrategy(string(text))
	if err == nil {
		*s = v
	}
	return err
}
