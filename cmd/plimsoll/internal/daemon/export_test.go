package daemon

import "time"

// SetStarted says when the daemon has started.
func (d *Daemon) SetStarted(at time.Time) { d.started = at }
