package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// verify reads the text again and compares it with the LiteLLM file.
func (c *converter) verify(o Options) error {
	lookup := c.reader.options.LookupEnv
	o.read, o.fileEnv = nil, nil
	o.LookupEnv = func(name string) (string, bool) {
		if v, ok := c.values[name]; ok {
			return v, true
		}
		return lookup(name)
	}
	got, err := Parse(c.reader.file+".yaml", c.out.Bytes(), o)
	if err != nil {
		return fmt.Errorf("%s cannot be converted: the result is not right, which is a fault of plimsoll's:\n%w", c.reader.file, err)
	}
	if difference := differs(c.file, got, lookup, o.LookupEnv); difference != "" {
		return fmt.Errorf("%s cannot be converted: %s of the result differs, which is a fault of plimsoll's", c.reader.file, c.file.Mask(difference))
	}
	return nil
}

// differs names what of two files is not the same; "" if nothing is.
func differs(a, b *File, envA, envB func(string) (string, bool)) string {
	if len(a.Engine.Deployments) != len(b.Engine.Deployments) {
		return "the number of deployments"
	}
	for i, d := range a.Engine.Deployments {
		if what := differentDeployment(d, b.Engine.Deployments[i]); what != "" {
			return what + " of deployment " + d.ID
		}
		if what := differentEndpoint(a.Endpoints, b.Endpoints, d.ID, envA, envB); what != "" {
			return what + " of deployment " + d.ID
		}
		if a.Modes[d.ID] != b.Modes[d.ID] {
			return "the mode of deployment " + d.ID
		}
		if a.storeName(d.ID) != b.storeName(d.ID) {
			return "the name in the store of deployment " + d.ID
		}
	}
	one, two := a.Engine, b.Engine
	one.Deployments, two.Deployments = nil, nil
	if len(one.Aliases) == 0 && len(two.Aliases) == 0 {
		one.Aliases, two.Aliases = nil, nil
	}
	switch {
	case !reflect.DeepEqual(one, two):
		return "the strategy or an alias"
	case !reflect.DeepEqual(hiddenNames(a), hiddenNames(b)):
		return "a hidden alias"
	case !reflect.DeepEqual(a.Routing, b.Routing):
		return "the routing"
	case !sameStore(a.Store, b.Store):
		return "the store"
	}
	return ""
}

func (f *File) storeName(id string) string { return cmp.Or(f.Identities[id].Stable, id) }

// hiddenNames are the hidden ones of the aliases that lead to a group.
func hiddenNames(f *File) []string {
	var names []string
	for name, hidden := range f.Hidden {
		if _, leads := f.Engine.Aliases[name]; leads && hidden {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func differentDeployment(a, b engine.Deployment) string {
	if len(a.Tags) == 0 && len(b.Tags) == 0 {
		a.Tags, b.Tags = nil, nil
	}
	if !reflect.DeepEqual(a, b) {
		return "the group, a limit or the profile"
	}
	return ""
}

// differentEndpoint names what of the endpoints of a deployment is not the same; ""
// if nothing is. Credentials are compared by what they are.
func differentEndpoint(as, bs map[string]Endpoint, id string, envA, envB func(string) (string, bool)) string {
	a, okA := as[id]
	b, okB := bs[id]
	if okA != okB {
		return "the endpoint"
	}
	keyA, _ := a.Credential.Get(envA)
	keyB, _ := b.Credential.Get(envB)
	if keyA != keyB || a.Credential.IsZero() != b.Credential.IsZero() {
		return "the key"
	}
	a.Credential, b.Credential = Credential{}, Credential{}
	for _, e := range []*Endpoint{&a, &b} {
		if len(e.Defaults) == 0 {
			e.Defaults = nil
		}
		if len(e.Headers) == 0 {
			e.Headers = nil
		}
		if len(e.PassHeaders) == 0 {
			e.PassHeaders = nil
		}
	}
	if !reflect.DeepEqual(a, b) {
		return "the endpoint"
	}
	return ""
}

// sameStore reports whether two stores are the same, as far as they can be reached.
func sameStore(a, b Store) bool {
	if a.URL == "" && a.Missing == "" {
		return b.URL == "" && b.Missing == "" // times and namespaces are of none
	}
	return (a.URL == "") == (b.URL == "") && (a.Missing == "") == (b.Missing == "") && a.Namespace == b.Namespace && a.KeyFormat == b.KeyFormat && a.Mode == b.Mode && a.TTL == b.TTL
}
