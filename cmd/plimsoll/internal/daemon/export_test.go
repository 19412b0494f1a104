package daemon

import (
	"testing"
	"time"
)

// Patient sets how long daemons that run during a test wait for files: a busy disk can take longer
// than an operator should wait.
func Patient(t *testing.T, d time.Duration) {
	was := patience
	patience = d
	t.Cleanup(func() { patience = was })
}

// SetStarted says when the daemon has started.
func (d *Daemon) SetStarted(at time.Time) { d.started = at }
