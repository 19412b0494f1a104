package api

import "net/http"

// annotate tells what came of a request.
func (a *API) annotate(r *http.Request, out any, p *problem) {
	tell := func(key, value string) {
		if value != "" {
			a.tell(r.Context(), key, value)
		}
	}
	if p != nil {
		tell("error.type", p.kind)
		if le := p.limit; le != nil {
			tell("plimsoll.group", le.Group)
			tell("plimsoll.deployment", le.Deployment)
			tell("plimsoll.limit", le.Limit.String())
		}
		return
	}
	switch out := out.(type) {
	case *pickAnswer:
		tell("plimsoll.group", out.Group)
		tell("plimsoll.deployment", out.Deployment)
	case *acquireAnswer:
		tell("plimsoll.group", out.Group)
		tell("plimsoll.deployment", out.Deployment)
	case *deploymentAnswer:
		tell("plimsoll.deployment", out.Deployment)
	case *endAnswer:
		tell("plimsoll.deployment", out.Deployment)
	case *observeAnswer:
		tell("plimsoll.deployment", out.Deployment)
		tell("plimsoll.signal", out.Kind)
	}
}
