//go:build !linux

package measure

import "time"

var processStart = time.Now()

// ThreadTime returns wall time: there is no thread clock, and every quantum counts.
func ThreadTime() time.Duration { return time.Since(processStart) }

// pin leaves placement to the system.
func pin(int) {}
