package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile says how a provider counts the calls to a deployment against its
// limits. The zero Profile is the plain rule: calendar minutes in UTC that begin
// on the minute, the request and its input and expected output counted when it is
// admitted, all tokens counted alike when it ends.
//
// A Profile is a value that nothing changes; it may be shared and compared.
type Profile struct {
	// Shape is how usage of a minute's limits goes away again.
	Shape Shape
	// Phase is by how much the provider's minutes begin after those of UTC, from 0
	// up to a minute. Shape Minute only.
	Phase time.Duration
	// LearnPhase says that Phase is an assumption, which the provider's answers may correct.
	// Where eight answers in a row report no figure of usage and Phase is 0, minutes are
	// counted as Shape Bucket until a refusal says when one ends. Shape Minute only.
	LearnPhase bool
	// LearnShape says that Shape is an assumption: where the provider's answers agree on
	// when a minute ends, it is counted by minutes of that phase until they contradict it.
	// Shape Bucket only.
	LearnShape bool
	// RequestWindow makes the limit on requests hold, in proportion, over shorter
	// windows too: 60 RPM over 10 s are 10 requests in each of the minute's six
	// parts. 0 = the whole minute; else a part of a minute of at least a second.
	RequestWindow time.Duration
	// Admit is what a request counts when it is admitted.
	Admit Admit
	// EstimateStands says that what was counted at admission is final: the
	// provider neither gives back what a call did not use nor adds what it used
	// beyond it. False: what the call really used replaces it.
	EstimateStands bool
	// Weights are what its tokens count once they are known.
	Weights Weights
	// CountsRefused says that a call the provider refused counts as a request.
	CountsRefused bool
	// Day is when the days of RPD and TPD begin.
	Day Day
	// Pool names the limits that several deployments, of whatever groups, draw on
	// together: what one of them uses, the others of the same Pool cannot. "" = the
	// deployment's own limits.
	Pool string
}

// Shape is how usage of a minute's limits goes away again.
type Shape uint8

const (
	// Minute forgets all usage at the end of a minute of the clock.
	Minute Shape = iota
	// Bucket refills continuously: a limit of L is a bucket that holds L, gains
	// L/60 a second, and goes into debt by what a call cost beyond what was
	// counted at admission.
	Bucket
)

// Admit is what of its tokens a request counts when it is admitted. The call's usage
// replaces that at its end, unless [Profile.EstimateStands] is set.
type Admit uint8

const (
	// AdmitExpected counts the input and the output expected, by their weights:
	// what the call will have cost in the end if the expectation holds.
	AdmitExpected Admit = iota
	// AdmitNothing counts no tokens.
	AdmitNothing
	// AdmitInput counts the input.
	AdmitInput
	// AdmitInputMax counts the input and the most output that the request allows;
	// the output expected where it names no maximum.
	AdmitInputMax
	// AdmitLarger counts the input or the most output that the request allows,
	// whichever is larger; the output expected where it names no maximum.
	AdmitLarger
	// AdmitMaxAsInput counts as AdmitInputMax does, but all of it against a limit
	// on input, and nothing against one on output.
	AdmitMaxAsInput
)

// Day is when a day begins.
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

// ParseShape returns the shape of that name: minute or bucket.
func ParseShape(name string) (Shape, error) {
	i, err := indexOf(shapes, name, "shape")
	return Shape(i), err
}

// ParseAdmit returns what a request counts at admission by its name: expected,
// nothing, input, input+max, larger or max-as-input.
func ParseAdmit(name string) (Admit, error) {
	i, err := indexOf(admits, name, "admit")
	return Admit(i), err
}

// ParseDay returns when a day begins by its name: utc or pacific.
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

// Validate returns every problem of the profile, each naming its field.
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
