package engine

import "time"

const (
	// rechecks is how often a caller tries again because its refusal no longer
	// holds when it is explained. After that RetryAfter is leastRetry.
	rechecks   = 8
	leastRetry = time.Millisecond
)

const (
	tries      = 64 // of a decision that keeps seeing others half way
	triesQuick = 4  // of them without giving way
)
