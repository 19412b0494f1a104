package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// announceLimits reports the limits that answers to this node have named and that are in
// force. Under the group's mutex.
func (h *handle) announceLimits(dst []window.Report, now int64) []window.Report {
	a := h.answers.Load()
	if a == nil || h.gone || h.caller != nil || h.configured.Profile.Pool != "" {
		return dst
	}
	for l := range provider.AllLimits() {
		limit, until := a.reported[l].Announce(*h.configured.Limits.Of(l), now)
		if limit == 0 {
			continue
		}
		last := &a.announced[l]
		if last.limit != limit {
			*last = announcedLimit{limit, window.LimitID(l.String(), limit, h.id)}
		}
		dst = append(dst, window.Report{Tally: window.Tally{ID: last.id, Start: window.StartSeconds(h.turned), CoolUntil: until / 1e6}})
	}
	return dst
}

// absorbLimit takes in a limit that another node's answers have named, until an instant in
// Unix milliseconds. One of an unknown kind or deployment is ignored.
func (e *Engine) absorbLimit(kind string, value int64, id string, untilMilli int64) {
	var l provider.Limit
	h, _ := e.ids.handles.Load(id)
	if h == nil || l.UnmarshalText([]byte(kind)) != nil || l == provider.NoLimit || l >= provider.Limits {
		return
	}
	h.locked(func(g *owner, now int64) {
		if untilMilli <= now/1e6 {
			return
		}
		h.answers.CompareAndSwap(nil, new(answers)) // which is no reason to mark requests
		until := min(untilMilli, (now+longestAnnounced)/1e6) * 1e6
		h.answers.Load().reported[l].Receive(min(value, MaxCount), until, now)
		if h.lapseAt = h.nextLapse(); h.inForce().Limits != h.provided.Limits {
			g.members.relimit(now, h)
		}
	})
}
