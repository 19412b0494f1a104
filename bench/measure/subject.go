package measure

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// subject is a case that was set up, with the samples taken so far.
type subject struct {
	c             Case
	op            Op
	n             int // operations per thread and quantum
	allocs, bytes float64
	nanos         []float64 // per operation, of the quanta that count
	tried         int
}

// newSubject sets the case up, finds out how often to run it in a quantum, and
// counts its allocations.
func newSubject(c Case, quantum time.Duration) *subject {
	s := &subject{c: c, op: c.Setup(), n: 1}
	for {
		start := time.Now()
		s.op(0, s.n)
		took := time.Since(start)
		if took > quantum/4 || s.n >= 1<<26 {
			s.n = max(1, int(float64(s.n)*float64(quantum)/float64(took+1)))
			break
		}
		s.n *= 2
	}
	var before, after runtime.MemStats
	n := min(s.n, 10_000)
	runtime.ReadMemStats(&before)
	s.op(0, n)
	runtime.ReadMemStats(&after)
	// Whole allocations per operation, and whole bytes: the rest is noise of
	// other goroutines.
	s.allocs = float64((after.Mallocs - before.Mallocs) / uint64(n))
	s.bytes = float64((after.TotalAlloc - before.TotalAlloc) / uint64(n))
	return s
}

// span is the wall time of one thread of a quantum, and its CPU time.
type span struct{ start, end, cpu time.Duration }

// undisturbed is the least part of its wall time a thread must have run for
// its quantum to count; together, the least part of the quantum in which all
// of its threads ran.
const undisturbed, together = 0.97, 0.7

// turn runs quanta until one counts, and returns its nanoseconds per operation;
// NaN if none did.
func (s *subject) turn(tries int) float64 {
	for range tries {
		s.tried++
		if nanos, ok := s.quantum(); ok {
			s.nanos = append(s.nanos, nanos)
			return nanos
		}
	}
	return math.NaN()
}

// quantum returns the nanoseconds per operation, and whether they count.
func (s *subject) quantum() (float64, bool) {
	threads := max(s.c.Threads, 1)
	spans := make([]span, threads)
	var ready atomic.Int32
	var done sync.WaitGroup
	base := time.Now()
	for t := range threads {
		done.Go(func() {
			runtime.LockOSThread()
			if threads > 1 {
				pin(t) // the thread ends with its goroutine
			} else {
				defer runtime.UnlockOSThread()
			}
			s.op(t, max(1, s.n/2)) // warm the caches and the branch predictor
			ready.Add(1)
			for ready.Load() < int32(threads) {
			}
			cpu, start := ThreadTime(), time.Since(base)
			s.op(t, s.n)
			end := time.Since(base)
			spans[t] = span{start, end, ThreadTime() - cpu}
		})
	}
	done.Wait()
	first, last := spans[0].start, spans[0].end
	for _, p := range spans {
		first, last = min(first, p.start), max(last, p.end)
	}
	for _, p := range spans {
		wall := float64(p.end - p.start)
		if float64(p.cpu) < undisturbed*wall || wall < together*float64(last-first) {
			return 0, false
		}
	}
	return float64(last-first) / float64(s.n*threads), true
}
