package engine

import "github.com/plimsoll-dev/plimsoll/window"

// Where the minutes of a group's deployments end at different times, what is left
// of a limit is worth more the sooner it lapses: of two that are equally utilized
// the one whose minute ends first goes first. A utilization u then ranks as
// 1/(1+(1-u)/left), of which left is how much of the minute is to come, from 0 to
// 1: at the beginning of a minute, and for buckets, which lose nothing, it ranks
// as u does, and what is used up ranks by u as ever.

// whole is a utilization of 1.
const whole = 1 << ratioFraction

// lapsing returns what a utilization ranks as with so many nanoseconds to come.
func lapsing(u uint64, left int64) uint64 {
	if u >= whole {
		return u
	}
	worth := float64(whole-u) / whole * float64(window.Minute) / float64(max(left, 1e6))
	return uint64(whole / (1 + worth))
}

// left returns how much is to come of the minute of a cell's deployment.
func (f *frame) left(i int, at *moment) int64 {
	if ms := f.metersOf(i); ms != nil {
		for k := range ms.list {
			switch m := &ms.list[k]; {
			case m.b != nil:
				return window.Minute
			case m.length == window.Minute:
				return (at.window(m.length, m.phase)+1)*m.length + m.phase - at.now
			}
		}
	}
	return f.end - at.now
}

// phased reports whether a meter counts in minutes with a phase.
func (ms *meters) phased() bool {
	for i := range ms.list {
		if m := &ms.list[i]; m.length == window.Minute && m.phase != 0 {
			return true
		}
	}
	return false
}
