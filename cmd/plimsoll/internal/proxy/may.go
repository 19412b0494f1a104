package proxy

import (
	"net/http"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

const notForGroup = "this token is not for the model that is asked for"

// mayCall reports whether a request's token is for the group that a name or an alias
// means.
func mayCall(eng *engine.Engine, r *http.Request, name string) bool {
	who := server.CallerOf(r.Context())
	if who == nil || who.Groups == nil {
		return true
	}
	return who.MayCall(tokenName(eng, name))
}

// tokenName returns what a token has to name for a call of a group: the group, or the
// model itself where the group is a pattern that it fits.
func tokenName(eng *engine.Engine, name string) string {
	group, err := eng.Group(name)
	if err != nil {
		return name
	}
	if wild, ok := group.Wildcard(name); ok {
		return strings.Replace(group.Name(), "*", wild, 1)
	}
	return group.Name()
}

// may reports what a request's token does not allow of a call with these tags.
func (p *Proxy) may(r *http.Request, a *transport.Admission, tags []string) error {
	who := server.CallerOf(r.Context())
	if who == nil {
		return nil
	}
	if !mayCall(p.cfg.Engine, r, a.Group) {
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
