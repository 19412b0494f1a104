package api

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// known is the group and the model of a deployment in the configuration.
type known struct{ group, model string }

// SetModels sets the group and the model of each deployment, which answers name. The
// caller calls it after each Apply.
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

// modelFor returns the provider's name of the requested model. In the model of a pattern's
// deployment the text that the asterisk stands for replaces the asterisk.
func modelFor(g *engine.Group, asked, model string) string {
	if wild, ok := g.Wildcard(asked); ok {
		return strings.Replace(model, "*", wild, 1)
	}
	return model
}
