package engine

import "time"

const (
	// rechecks is how often a refused demand is tried again because it fits by the time its
	// refusal is explained. After that RetryAfter is leastRetry.
	rechecks   = 8
	leastRetry = time.Millisecond // the shortest RetryAfter
)

const (
	tries      = 64 // of a decision while other attempts are half way (protocol 4)
	triesQuick = 4  // of these without yielding the processor
)
