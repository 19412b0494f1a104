package daemon

import (
	"errors"
	"sync/atomic"
	"time"
)

// patience is the longest time to read or write a file. A pipe without a writer and a
// stuck mount would block for ever.
const patience = 5 * time.Second

// patienceOfTests replaces patience in tests of what files contain, in ns; 0 = it does not.
var patienceOfTests atomic.Int64

// maxStuck is the largest number of goroutines that wait for such files.
const maxStuck = 8

var (
	errStuck     = errors.New("did not answer within 5 s: it may be a pipe that nothing writes to, or a mount that is stuck")
	errManyStuck = errors.New("is not tried, because earlier tries have not ended yet: a file may be a pipe that nothing writes to, or on a mount that is stuck")
)

// patient runs functions that may never return, and gives up on them after patience.
type patient struct{ stuck atomic.Int32 }

// within returns the result of do, or an error after patience. A later result of do is
// dropped.
func within[T any](p *patient, do func() (T, error)) (T, error) {
	var none T
	if p.stuck.Load() >= maxStuck {
		return none, errManyStuck
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	p.stuck.Add(1)
	go func() {
		defer p.stuck.Add(-1)
		v, err := do()
		done <- result{v, err}
	}()
	late := time.NewTimer(max(patience, time.Duration(patienceOfTests.Load())))
	defer late.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-late.C:
		return none, errStuck
	}
}
