package config

// endpoint adds a deployment's endpoint.
func (f *File) endpoint(id string, ep *Endpoint) {
	if ep == nil {
		return
	}
	if f.Endpoints == nil {
		f.Endpoints = map[string]Endpoint{}
	}
	f.Endpoints[id] = *ep
}

// halfServed reports groups of which some deployments have an endpoint: package
// transport serves a group if all have.
func (f *File) halfServed(report func(line int, key, format string, args ...any), quote func(string) string) {
	type count struct{ with, of int }
	groups := map[string]*count{}
	var names []string
	for _, d := range f.Engine.Deployments {
		c := groups[d.Group]
		if c == nil {
			c = &count{}
			groups[d.Group] = c
			names = append(names, d.Group)
		}
		c.of++
		if _, ok := f.Endpoints[d.ID]; ok {
			c.with++
		}
	}
	for _, name := range names {
		if c := groups[name]; c.with > 0 && c.with < c.of {
			report(0, "", "group %s has endpoints for %d of its %d deployments: it can be asked for decisions, and is not proxied unless all have one", quote(name), c.with, c.of)
		}
	}
}
