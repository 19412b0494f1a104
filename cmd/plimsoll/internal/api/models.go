package api

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// known is what the configuration says of a deployment.
type known struct{ group, model string }

// SetModels gives the API the group of each deployment, and which model it has, to
// be named in answers. It is to follow each Apply.
func (a *API) SetModels(deployments []engine.Deployment) {
	m := make(map[string]known, len(deployments))
	for _, d := range deployments {
		m[d.ID] = known{d.Group, d.Model}
	}
	a.known.Store(&m)
}

// Model returns a deployment's model, "" if none is known.
func (a *API) Model(deployment string) string {
	if m := a.known.Load(); m != nil {
		return (*m)[deployment].model
	}
	return ""
}

// modelFor returns what a provider calls the model that was asked for: in the model of a
// pattern's deployment the asterisk becomes what it stands for.
func modelFor(g *engine.Group, asked, model string) string {
	if wild, ok := g.Wildcard(asked); ok {
		return strings.Replace(model, "*", wild, 1)
	}
	return model
}
