package engine

// announce has Collect report a cooldown, which ends at until, to the other nodes. Under
// the group's mutex.
func (h *handle) announce(until, now int64) {
	h.announceUntil = max(h.announceUntil, min(until, now+longestAnnounced))
}

// announced returns until when other nodes should let the deployment cool down, 0 if there
// is no cooldown to report.
func (h *handle) announced(now int64) int64 {
	if h.announceUntil <= now {
		h.announceUntil = 0
	}
	return h.announceUntil
}
