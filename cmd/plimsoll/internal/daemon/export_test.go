package daemon

import (
	"testing"
	"time"
)

// Patient has daemons wait for files until d, if that is longer, during a test: a busy disk can
// take longer than an operator should wait.
func Patient(t *testing.T, d time.Duration) {
	t.Helper()
	patienceOfTests.Store(int64(d))
	t.Cleanup(func() { patienceOfTests.Store(0) })
}

// SetStarted says when the daemon has started.
func (d *Daemon) SetStarted(at time.Time) { d.started = at }
