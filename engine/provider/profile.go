package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile is the rule by which a provider counts the calls to a deployment against its
// limits. The zero Profile is the plain rule: minutes of UTC,
// the request and its input and expected output counted when it is
// admitted, all tokens counted alike when the call ends.
//
// A Profile is a plain value; it may be copied and compared.
type Profile struct {
	// Shape is how usage expires under limits per minute.
	Shape Shape
	// Phase is how long after a minute of UTC the provider's minutes begin, from 0
	// to less than a minute. Shape Minute only.
	Phase time.Duration
	// LearnPhase is set if Phase is an assumption that the provider's answers may correct.
	// If eight answers in a row report no figure of usage and Phase is 0, the limits are
	// counted as Shape Bucket until a refusal reports when a minute ends. Shape Minute only.
	LearnPhase bool
	// LearnShape is set if Shape is an assumption. If the provider's answers agree on
	// when a minute ends, the limits are counted by minutes of that phase until answers
	// contradict it. Shape Bucket only.
	LearnShape bool
	// RequestWindow applies the limit on requests in proportion to shorter
	// windows too: 60 RPM over 10 s are 10 requests in each of the minute's six
	// parts. 0 = the whole minute; else a part of a minute of at least a second.
	RequestWindow time.Duration
	// Admit is what a request counts when it is admitted.
	Admit Admit
	// EstimateStands is set if the count at admission is final: the
	// provider neither gives back unused tokens nor adds tokens used
	// beyond it. If not set, the usage of the call replaces the count.
	EstimateStands bool
	// Weights are how much each token counts once usage is known.
	Weights Weights
	// CountsRefused is set if a call that the provider refused counts as a request.
	CountsRefused bool
	// Day is when the days of RPD and TPD begin.
	Day Day
	// Pool is the name of limits that several deployments, in whatever groups,
	// share: all deployments with the same Pool count against the same limits. "" = the
	// deployment has its own limits.
	Pool string
}

// Shape is how usage expires under limits per minute.
type Shape uint8

const (
	// Minute resets all usage at the end of a minute of the clock.
	Minute Shape = iota
	// Bucket refills continuously: a limit of L is a bucket with a capacity of L that refills
	// by L/60 a second. It goes into debt by the tokens that a call uses beyond the count at
	// admission.
	Bucket
)

// Admit is what a request counts, in tokens, when it is admitted. The usage of the call
// replaces that at its end, unless [Profile.EstimateStands] is set.
type Admit uint8

const (
	// AdmitExpected counts the input and the expected output, by their weights:
	// the final cost of the call if the expectation is right.
	AdmitExpected Admit = iota
	// AdmitNothing counts no tokens.
	AdmitNothing
	// AdmitInput counts the input.
	AdmitInput
	// AdmitInputMax counts the input and the most output that the request allows;
	// the expected output if the request names no maximum.
	AdmitInputMax
	// AdmitLarger counts the input or the most output that the request allows,
	// whichever is larger; the expected output if the request names no maximum.
	AdmitLarger
	// AdmitMaxAsInput counts as AdmitInputMax does, but everything against a limit
	// on input, and nothing against one on output.
	AdmitMaxAsInput
)

// Day is when a day begins. The zero value is DayUTC.
type Day uint8

const (
	DayUTC     Day = iota // midnight UTC
	DayPacific            // midnight in Los Angeles, daylight saving time included
)

var (
	shapes = []string{"minute", "bucket"}
	admits = []string{"expected", "nothing", "input", "input+max", "larger", "max-as-input"}
	days   = []string{"utc", "pacific"}
)

// String returns the name that configuration files use.
func (s Shape) String() string { return nameOf(shapes, int(s), "Shape") }

// String returns the name that configuration files use.
func (a Admit) String() string { return nameOf(admits, int(a), "Admit") }

// String returns the name that configuration files use.
func (d Day) String() string { return nameOf(days, int(d), "Day") }

// ParseShape returns the shape with a name: minute or bucket. The error lists the names.
func ParseShape(name string) (Shape, error) {
	i, err := indexOf(shapes, name, "shape")
	return Shape(i), err
}

// ParseAdmit returns the Admit with a name: expected, nothing, input, input+max, larger or
// max-as-input. The error lists the names.
func ParseAdmit(name string) (Admit, error) {
	i, err := indexOf(admits, name, "admit")
	return Admit(i), err
}

// ParseDay returns the Day with a name: utc or pacific. The error lists the names.
func ParseDay(name string) (Day, error) {
	i, err := indexOf(days, name, "day")
	return Day(i), err
}

func indexOf(names []string, name, kind string) (int, error) {
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("provider: unknown %s %q; use one of %s", kind, name, strings.Join(names, ", "))
}

func nameOf(names []string, i int, kind string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}

// Validate returns every problem of the profile, joined by [errors.Join]. Each names its field
// and the values that are allowed. Nil: the profile is valid.
func (p Profile) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if int(p.Shape) >= len(shapes) {
		bad("Shape is %d: use Minute or Bucket", p.Shape)
	}
	if p.Phase < 0 || p.Phase >= time.Minute {
		bad("Phase is %v: use 0 up to a minute", p.Phase)
	} else if p.Phase != 0 && p.Shape != Minute {
		bad("Phase is %v: only Shape Minute has one, use 0", p.Phase)
	}
	if p.LearnPhase && p.Shape != Minute {
		bad("LearnPhase is true: only Shape Minute has a phase, use false")
	}
	if p.LearnShape && p.Shape != Bucket {
		bad("LearnShape is true: it is for Shape Bucket, use false")
	}
	if w := p.RequestWindow; w != 0 && (w < time.Second || w > time.Minute || time.Minute%w != 0) {
		bad("RequestWindow is %v: use 0, or a part of a minute of at least a second, such as 10s", w)
	}
	if int(p.Admit) >= len(admits) {
		bad("Admit is %d: use AdmitExpected, AdmitNothing, AdmitInput, AdmitInputMax, AdmitLarger or AdmitMaxAsInput", p.Admit)
	}
	if p.EstimateStands && p.Admit == AdmitNothing {
		bad("EstimateStands is true: with AdmitNothing no token would ever count, use false or another Admit")
	}
	if int(p.Day) >= len(days) {
		bad("Day is %d: use DayUTC or DayPacific", p.Day)
	}
	for _, w := range []struct {
		field string
		v     float64
	}{
		{"Input", p.Weights.Input},
		{"CachedInput", p.Weights.CachedInput},
		{"CacheWrite", p.Weights.CacheWrite},
		{"Output", p.Weights.Output},
	} {
		if w.v != 0 && !(w.v >= MinWeight && w.v <= MaxWeight) {
			bad("Weights.%s is %v: use 0, or %v to %v", w.field, w.v, MinWeight, MaxWeight)
		}
	}
	return errors.Join(errs...)
}
