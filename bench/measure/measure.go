// Package measure times short operations on a machine that is also busy with
// other things.
//
// It runs an operation in short quanta. A quantum counts only if each of its threads
// had a CPU to itself, by the thread's own CPU clock. All operations take turns, round
// after round, so that a disturbance of the machine slows all of them. Compare the
// figures as ratios, turn by turn.
package measure

import (
	"runtime"
	"runtime/debug"
	"time"
)

// Op runs one operation n times on one of the case's threads, counted from 0.
type Op func(thread, n int)

// Case is one operation to time. Cases of equal name are the same case.
type Case struct {
	Name    string
	Threads int       // that run it at once, each on its own CPU; 0 = 1
	Setup   func() Op // called once, before anything is timed
}

// Options configure a measurement. Zero values are the defaults.
type Options struct {
	Rounds  int           // 0 = 100
	Tries   int           // most quanta to get one that counts; 0 = 12
	Quantum time.Duration // aimed length of a quantum; 0 = 1.5 ms
	Round   func(done int)
}

func (o Options) withDefaults() Options {
	if o.Rounds <= 0 {
		o.Rounds = 100
	}
	if o.Tries <= 0 {
		o.Tries = 12
	}
	if o.Quantum <= 0 {
		o.Quantum = 1500 * time.Microsecond
	}
	if o.Round == nil {
		o.Round = func(int) {}
	}
	return o
}

// Run times the cases in the order given, each once per round; a case may be
// given several times, next to those it will be compared with.
//
// The garbage collector runs between rounds only, so no operation pays for
// collecting what it or another one allocated.
func Run(cases []Case, o Options) *Results {
	o = o.withDefaults()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	subjects := map[string]*subject{}
	for _, c := range cases {
		if subjects[c.Name] == nil {
			subjects[c.Name] = newSubject(c, o.Quantum)
		}
	}
	turns := make([][]float64, len(cases))
	for round := range o.Rounds {
		runtime.GC()
		for i, c := range cases {
			turns[i] = append(turns[i], subjects[c.Name].turn(o.Tries))
		}
		o.Round(round + 1)
	}
	return newResults(turns, subjects)
}
