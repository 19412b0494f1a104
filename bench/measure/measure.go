// Package measure times short operations on a machine that is also busy with
// other things.
//
// An operation is run in short quanta. A quantum counts only if each of its
// threads had a CPU to itself throughout, by the thread's own CPU clock. All
// operations take turns, round after round, so that what slows the machine down
// for a while slows all of them: the figures are meant to be divided by each
// other.
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

// Options say how long to measure. Zero values are the defaults.
type Options struct {
	Rounds  int           // turns each case gets; 0 = 40
	Keep    int           // quanta that count, per turn; 0 = 2
	Tries   int           // most quanta per turn; 0 = 12
	Quantum time.Duration // aimed length of a quantum; 0 = 1.5 ms
	Round   func(done int)
}

func (o Options) withDefaults() Options {
	or := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	or(&o.Rounds, 40)
	or(&o.Keep, 2)
	or(&o.Tries, 12)
	if o.Quantum <= 0 {
		o.Quantum = 1500 * time.Microsecond
	}
	if o.Round == nil {
		o.Round = func(int) {}
	}
	return o
}

// Run times the cases and returns a result per case name.
//
// The garbage collector runs between rounds only, so no operation pays for
// collecting what it or another one allocated.
func Run(cases []Case, o Options) map[string]Result {
	o = o.withDefaults()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var all []*subject
	seen := map[string]bool{}
	for _, c := range cases {
		if !seen[c.Name] {
			seen[c.Name] = true
			all = append(all, newSubject(c, o.Quantum))
		}
	}
	for round := range o.Rounds {
		runtime.GC()
		for _, s := range all {
			for kept, try := 0, 0; kept < o.Keep && try < o.Tries; try++ {
				if s.sample() {
					kept++
				}
			}
		}
		o.Round(round + 1)
	}
	results := make(map[string]Result, len(all))
	for _, s := range all {
		results[s.c.Name] = s.result()
	}
	return results
}
