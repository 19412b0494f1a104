package engine

import "time"

// longestTold is how long a cooldown lasts at most that a node tells the others
// of, or takes from them: a day of 25 hours.
const longestTold = int64(25 * time.Hour)

// tell has Collect report a cooldown until then, of which the others do not know
// yet. Under the group's mutex.
func (h *handle) tell(until, now int64) {
	h.tellUntil = max(h.tellUntil, min(until, now+longestTold))
}

// telling returns until when others should let the deployment cool down, 0 when
// there is nothing to tell.
func (h *handle) telling(now int64) int64 {
	if h.tellUntil <= now {
		h.tellUntil = 0
	}
	return h.tellUntil
}
