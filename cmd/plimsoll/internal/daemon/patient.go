package daemon

import (
	"errors"
	"sync/atomic"
	"time"
)

// patience is how long a file may take to be read or written. A pipe that no process
// writes to and a mount that is stuck take for ever.
const patience = 5 * time.Second

// maxStuck is how many goroutines may wait for such files.
const maxStuck = 8

var (
	errStuck     = errors.New("did not answer within 5 s: it may be a pipe that nothing writes to, or a mount that is stuck")
	errManyStuck = errors.New("is not tried: earlier tries have not ended yet, which a pipe that nothing writes to or a stuck mount explains")
)

// patient runs what may never return, and goes on without it after a while.
type patient struct{ stuck atomic.Int32 }

// within returns what do returns, or an error after patience. What do does later
// changes nothing.
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
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-late.C:
		return none, errStuck
	}
}
