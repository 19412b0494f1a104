package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// announceLimits appends reports of the limits that the provider has reported to this node and
// that are in force. Under the group's mutex.
func (h *handle) announceLimits(dst []window.Report, now int64) []window.Report {
	a := h.answers.Load()
	if a == nil || h.removed || h.caller != nil || h.configured.Profile.Pool != "" {
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
		in := window.Tally{ID: last.id, Start: window.StartSeconds(h.turned), CoolUntil: until / 1e6}
		dst = append(dst, window.Report{Tally: in})
	}
	return dst
}

// absorbLimit applies a limit that a provider has reported to another node. It is in force until
// untilMilli (Unix milliseconds). A limit of an unknown kind or deployment is ignored.
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
		h.answers.CompareAndSwap(nil, new(answers)) // without noting, so that requests are not marked for it
		until := min(untilMilli, (now+longestAnnounced)/1e6) * 1e6
		h.answers.Load().reported[l].Receive(min(value, MaxCount), until, now)
		if h.lapseAt = h.nextLapse(); h.inForce().Limits != h.provided.Limits {
			g.members.relimit(now, h)
		}
	})
}
