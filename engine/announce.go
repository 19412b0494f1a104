package engine

// announce has Collect report a cooldown, which ends at until, to the other nodes. Under
// the group's mutex.
func (h *handle) announce(until, now int64) {
	h.announceUntil = max(h.announceUntil, min(until, now+longestAnnounced))
}

// announced returns the end of the cooldown that this node reports to others, in Unix
// nanoseconds; 0 if it reports none.
func (h *handle) announced(now int64) int64 {
	if h.announceUntil <= now {
		h.announceUntil = 0
	}
	return h.announceUntil
}
