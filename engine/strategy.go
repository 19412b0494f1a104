package engine

import (
	"fmt"
	"iter"
	"strings"
)

// Strategy is the rule that ranks the deployments with headroom. The zero value is
// LeastUtilized.
type Strategy uint8

const (
	// LeastUtilized ranks by the largest of used/limit over the limits that
	// are set (0 if none is), then by tokens used; the lowest wins, equals are
	// drawn at random. Utilizations closer than 2^-24 are
	// equal, and so are token counts above 2^28. If all deployments of a group count by
	// minutes of UTC, and their profiles charge the input (AdmitInput) or one cost for all
	// (EstimateStands), the smaller ones are filled a little ahead: in place of used/limit
	// they are ranked by used/(limit^(3/4) × largest^(1/4)), where largest is the largest
	// limit of the group.
	LeastUtilized Strategy = iota
	// LowestTPM ranks by the tokens used this minute, whatever the limits; the
	// lowest wins, equals are drawn at random. It is the rule of LiteLLM's
	// usage-based-routing-v2.
	LowestTPM
	// PowerOfTwo draws two distinct deployments at random and takes the one
	// that LeastUtilized prefers. If neither has headroom, all deployments are searched.
	PowerOfTwo
	// Weighted draws in proportion to [Deployment.Weight] among the
	// deployments with headroom.
	Weighted
	// LeastBusy ranks by leases held on this node, as a share of MaxInFlight,
	// then by tokens used this minute; the lowest wins, equals are drawn at
	// random. A deployment without MaxInFlight is ranked as if it had the
	// largest of its group, or 1000 if no deployment of the group has one. It is
	// the rule of LiteLLM's least-busy.
	LeastBusy
)

// ranking is how a strategy chooses among the deployments with headroom. A strategy is a
// constant and a row of the table below. One that ranks in a new way also needs a rankedBy and
// its cases in view.key and view.keys (keys.go), one that draws in a new way a drawnBy, its file
// and its case in chooseIn (choose.go): see docs/ARCHITECTURE.md.
type ranking struct {
	key     rankedBy
	draw    drawnBy
	weights bool // the strategy reads [Deployment.Weight]
}

// rankedBy is the figure by which the ranking key orders deployments.
type rankedBy uint8

const (
	byUtilization rankedBy = iota // its fullest limit, then its tokens
	byTokens                      // its tokens used this minute
	byLeases                      // the leases held, as a share of the limit on them; then its tokens
)

// drawnBy is how a deployment is chosen by the keys.
type drawnBy uint8

const (
	theLowest  drawnBy = iota // the lowest key wins
	twoChoices                // the lower key of two deployments drawn at random
	anyWeight                 // at random by weight; keys do not count
)

var strategies = [...]struct {
	name string
	ranking
}{
	LeastUtilized: {name: "least-utilized"},
	LowestTPM:     {"lowest-tpm", ranking{key: byTokens}},
	PowerOfTwo:    {"power-of-two", ranking{draw: twoChoices}},
	Weighted:      {"weighted", ranking{draw: anyWeight, weights: true}},
	LeastBusy:     {"least-busy", ranking{key: byLeases}},
}

// AllStrategies yields every strategy, in the order of the constants.
func AllStrategies() iter.Seq[Strategy] {
	return func(yield func(Strategy) bool) {
		for s := range Strategy(len(strategies)) {
			if !yield(s) {
				return
			}
		}
	}
}

// StrategyNames returns the names that [ParseStrategy] reads, for messages: "a, b or c".
func StrategyNames() string {
	names := make([]string, len(strategies))
	for i := range strategies {
		names[i] = strategies[i].name
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// known reports whether s is one of the constants.
func (s Strategy) known() bool { return int(s) < len(strategies) }

// UsesWeights reports whether the strategy reads [Deployment.Weight].
func (s Strategy) UsesWeights() bool { return s.known() && strategies[s].weights }

// String returns the name that [ParseStrategy] reads.
func (s Strategy) String() string {
	if s.known() {
		return strategies[s].name
	}
	return fmt.Sprintf("Strategy(%d)", uint8(s))
}

// ParseStrategy returns the strategy with a name. The error for an unknown name lists all names.
func ParseStrategy(name string) (Strategy, error) {
	for s := range AllStrategies() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("engine: unknown strategy %q; use %s", name, StrategyNames())
}

// MarshalText implements [encoding.TextMarshaler]. An unknown strategy is an error.
func (s Strategy) MarshalText() ([]byte, error) {
	if !s.known() {
		return nil, fmt.Errorf("engine: unknown strategy %d", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseStrategy].
func (s *Strategy) UnmarshalText(text []byte) error {
	v, err := ParseStrategy(string(text))
	if err == nil {
		*s = v
	}
	return err
}
