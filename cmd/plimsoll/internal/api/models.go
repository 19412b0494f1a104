package api

import "github.com/plimsoll-dev/plimsoll/engine"

// SetModels tells the API which model each deployment has, to be named in
// answers. It is to follow each Apply.
func (a *API) SetModels(deployments []engine.Deployment) {
	m := make(map[string]string, len(deployments))
	for _, d := range deployments {
		if d.Model != "" {
			m[d.ID] = d.Model
		}
	}
	a.models.Store(&m)
}

// Model returns a deployment's model, "" if none is known.
func (a *API) Model(deployment string) string {
	if m := a.models.Load(); m != nil {
		return (*m)[deployment]
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
