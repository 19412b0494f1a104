package proxy

import (
	"net/http"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

const notForGroup = "this token is not for the model that is asked for"

// may returns the refusal of a call that its token does not allow; nil = it is allowed.
func (p *Proxy) may(r *http.Request, a *transport.Admission, tags []string) error {
	who := server.CallerOf(r.Context())
	if who == nil {
		return nil
	}
	if !who.MayAsk(p.cfg.Engine, a.Group) {
		return &transport.Refusal{Status: http.StatusForbidden, Param: "model", Message: notForGroup}
	}
	for _, tag := range tags {
		if !who.MayTag(tag) {
			return &transport.Refusal{Status: http.StatusForbidden, Message: "this token may not ask for one of the call's tags"}
		}
	}
	if !who.MayPrioritize(a.Demand.Priority) {
		return &transport.Refusal{Status: http.StatusForbidden, Message: "this token may not ask for the call's class of priority"}
	}
	return nil
}
