//go:build !linux

package measure

import "time"

var processStart = time.Now()

// threadTime returns wall time: without a thread clock every quantum counts.
func threadTime() time.Duration { return time.Since(processStart) }

// pin leaves placement to the system.
func pin(int) {}
