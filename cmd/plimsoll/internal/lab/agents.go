package lab

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// crowd is chat with two rushes: the rate rises to six times within ten seconds and falls
// back over 150 s.
func crowd(seed uint64, length time.Duration) trace.Trace {
	rng := rand.New(rand.NewPCG(seed, 1<<40))
	base := trace.Chat()
	var calls trace.Trace
	for at := time.Duration(0); ; {
		x := float64(at) / float64(length)
		rate := base.RPM / 2
		for _, rush := range []float64{0.25, 0.65} {
			since := (x - rush) * length.Seconds()
			switch {
			case since >= 0 && since < 10:
				rate *= 1 + 5*since/10
			case since >= 10:
				rate *= 1 + 5*math.Exp(-(since-10)/150)
			}
		}
		at += time.Duration(rng.ExpFloat64() / rate * float64(time.Minute))
		if at >= length {
			break
		}
		calls = append(calls, trace.Request{Arrival: at.Truncate(time.Millisecond), Input: base.Input.Draw(rng), Output: base.Output.Draw(rng)})
	}
	if len(calls) > 0 {
		first := calls[0].Arrival
		for i := range calls {
			calls[i].Arrival -= first
		}
	}
	return calls
}

// agents are sessions of about fifteen dependent rounds. The context grows by the answer
// and a tool's result; one round in five has two to five calls.
func agents(seed uint64, length time.Duration) *Traffic {
	rng := rand.New(rand.NewPCG(seed, 1<<41))
	t := &Traffic{Name: "agents"}
	for at := time.Duration(0); ; {
		at += time.Duration(rng.ExpFloat64() / 6 * float64(time.Minute)) // six sessions begin in a minute
		if at >= length {
			break
		}
		s := Session{Begin: at}
		context := int64(2000 * math.Exp(0.6*rng.NormFloat64()))
		for range 5 + rng.IntN(21) {
			step := Step{Think: time.Duration(float64(time.Second) * (0.5 + 2*rng.ExpFloat64()))}
			n := 1
			if rng.IntN(5) == 0 {
				n = 2 + rng.IntN(4)
			}
			for range n {
				out := int64(40 + 250*rng.ExpFloat64())
				step.Calls = append(step.Calls, trace.Request{Input: context, Output: out})
				context += out + int64(600*math.Exp(0.8*rng.NormFloat64()))
			}
			s.Steps = append(s.Steps, step)
			if context > 60_000 {
				break
			}
		}
		t.Sessions = append(t.Sessions, s)
	}
	slices.SortStableFunc(t.Sessions, func(a, b Session) int { return cmp.Compare(a.Begin, b.Begin) })
	capped := trace.Trace{}
	t.each(func(r *trace.Request) { capped = append(capped, *r) })
	capped.NameMaxOutput(seed)
	i := 0
	t.each(func(r *trace.Request) { *r = capped[i]; i++ })
	return t
}
