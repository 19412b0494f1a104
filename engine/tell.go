package engine

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
