package api

import "net/http"

// annotate reports the outcome of a request to Config.Annotate.
func (a *API) annotate(r *http.Request, out any, p *problem) {
	note := func(key, value string) {
		if value != "" {
			a.annotateWith(r.Context(), key, value)
		}
	}
	if p != nil {
		note("error.type", p.kind)
		if le := p.limit; le != nil {
			note("plimsoll.group", le.Group)
			note("plimsoll.deployment", le.Deployment)
			note("plimsoll.limit", le.Limit.String())
		}
		return
	}
	switch out := out.(type) {
	case *pickAnswer:
		note("plimsoll.group", out.Group)
		note("plimsoll.deployment", out.Deployment)
	case *acquireAnswer:
		note("plimsoll.group", out.Group)
		note("plimsoll.deployment", out.Deployment)
	case *deploymentAnswer:
		note("plimsoll.deployment", out.Deployment)
	case *endAnswer:
		note("plimsoll.deployment", out.Deployment)
	case *observeAnswer:
		note("plimsoll.deployment", out.Deployment)
		note("plimsoll.signal", out.Kind)
	}
}
