package transport

import (
	"cmp"
	"slices"
	"strings"
)

// pattern is the name of a group with an asterisk in it.
type pattern struct{ name, before, after string }

// isPattern reports whether the name of a group stands for several names.
func isPattern(name string) bool { return strings.Contains(name, "*") }

// newPatterns returns the patterns among the names of groups, the longest first.
func newPatterns(groups map[string][]string) []pattern {
	var list []pattern
	for name := range groups {
		if before, after, ok := strings.Cut(name, "*"); ok {
			list = append(list, pattern{name, before, after})
		}
	}
	slices.SortFunc(list, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(len(b.name), len(a.name)), cmp.Compare(a.name, b.name))
	})
	return list
}

// match returns the group whose pattern a name fits, the longest pattern first, and
// what its asterisk stands for; "" if there is none. An asterisk stands for at least
// one character.
func match(list []pattern, name string) (group, wild string) {
	for _, p := range list {
		if len(name) > len(p.before)+len(p.after) && strings.HasPrefix(name, p.before) && strings.HasSuffix(name, p.after) {
			return p.name, name[len(p.before) : len(name)-len(p.after)]
		}
	}
	return "", ""
}

// GroupOf returns the name of the group that serves a client's name for a model: the
// group of that name or alias, or else that of the longest pattern, a name with an
// asterisk, which it fits; "" if there is none.
func (t *Transport) GroupOf(name string) string {
	if group, _, ok := t.groupOf(name); ok {
		return group.Name()
	}
	return ""
}
