package window

import "time"

// RetryAfter returns how long after now a cost fits under a limit of which used
// is gone in the epoch of now, if nothing else is admitted or given back: 0 when
// it fits already, else the time to the next epoch, in which used starts at 0.
// Never is true when the cost is larger than the limit itself.
func RetryAfter(now, used, cost, limit int64) (wait time.Duration, never bool) {
	switch {
	case cost > limit:
		return 0, true
	case used+cost <= limit:
		return 0, false
	}
	return UntilNext(now), false
}

// UntilNext returns how long the epoch of now still lasts: more than 0, at most
// one minute.
func UntilNext(now int64) time.Duration {
	return time.Duration(Start(EpochAt(now)+1) - now)
}
