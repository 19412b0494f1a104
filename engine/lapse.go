package engine

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/window"
)

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
	to := float64(max(left, 1e6))
	return uint64(whole * to / (to + float64(whole-u)*(float64(window.Minute)/whole)))
}

// lapsed returns what a cell's utilization ranks as. (Not inlined: where nothing
// lapses it would cost look registers.)
//
//go:noinline
func (f *frame) lapsed(i int, at *moment, u uint64) uint64 { return lapsing(u, f.left(i, at)) }

// left returns how much is to come of the minute of a cell's deployment.
func (f *frame) left(i int, at *moment) int64 {
	ms := f.metersOf(i)
	if ms == nil || ms.minute == nil {
		return f.end - at.now
	}
	m := ms.minute
	if m.b != nil {
		return window.Minute
	}
	return (at.window(m)+1)*m.length + m.phase - at.now
}

// minuteOf returns the meter by which a deployment's minute ends, nil if that is
// the frame's: the first that is a bucket or of a minute with a phase.
func (ms *meters) minuteOf() *meter {
	i := slices.IndexFunc(ms.list, func(m meter) bool { return m.b != nil || m.length == window.Minute })
	if i < 0 {
		return nil
	}
	return &ms.list[i]
}

// ends tells apart when the minutes of deployments end: their phase, or -1 for a
// bucket's, which never do.
func (ms *meters) ends() int64 {
	switch {
	case ms == nil || ms.minute == nil:
		return 0
	case ms.minute.b != nil:
		return -1
	}
	return ms.minute.phase
}

// lapse reports whether minutes of the group's deployments end at different times,
// some of them with a phase. (Where they all end at once, what is left lapses at
// once, and utilizations rank as they are.)
func lapse(live []*handle) bool {
	phased, unlike := false, false
	for _, h := range live {
		ends := h.meters.Load().ends()
		phased = phased || ends > 0
		unlike = unlike || ends != live[0].meters.Load().ends()
	}
	return phased && unlike
}
