package api

import (
	"net/http"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// forbidden returns the problem of a field that the caller's token does not allow.
func forbidden(field, message string) *problem {
	return &problem{status: http.StatusForbidden, kind: "not_allowed", field: field, message: field + ": " + message}
}

// mayCall returns a problem if a token is not for a group. The problem does not show
// whether the group exists.
func (a *API) mayCall(who *server.Token, group string) *problem {
	if who.MayAsk(a.engine, group) {
		return nil
	}
	return forbidden("group", "is not one of this token's groups")
}

// mayUse is mayCall for a deployment's group.
func (a *API) mayUse(who *server.Token, deployment string) *problem {
	if who == nil || who.Groups == nil {
		return nil
	}
	if m := a.known.Load(); m != nil {
		if k, ok := (*m)[deployment]; ok && who.MayCall(k.group) {
			return nil
		}
	}
	return forbidden("deployment", "is in none of this token's groups")
}
