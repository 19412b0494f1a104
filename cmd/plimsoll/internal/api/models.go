package api

import "github.com/plimsoll-dev/plimsoll/engine"

// known is what the configuration says of a deployment.
type known struct{ group, model string }

// SetModels tells the API of which group each deployment is, and which model it has, to
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

// groupName returns the name of the group that a name or an alias means.
func (a *API) groupName(name string) string {
	if g, err := a.engine.Group(name); err == nil {
		return g.Name()
	}
	return name
}
