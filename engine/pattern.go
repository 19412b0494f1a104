package engine

import (
	"cmp"
	"slices"
	"strings"
)

// pattern is a group whose name stands for several: it has an asterisk, the first of
// which stands for one character or more.
type pattern struct {
	before, after string
	group         *Group
}

// Wildcard returns what the asterisk in the name of the group stands for in a name that
// was asked for, such as "gpt-4o" in "openai/gpt-4o" for the group "openai/*". It
// reports false for a group without an asterisk, and for a name that does not fit, such
// as the group's own: no model is called that. An alias stands for the name that it
// leads to.
func (g *Group) Wildcard(asked string) (string, bool) {
	if meant := g.e.meant.Load(); meant != nil {
		if name, ok := (*meant)[asked]; ok {
			asked = name
		}
	}
	return wildcard(g.name, asked)
}

// wildcard is [Group.Wildcard] of a group's name.
func wildcard(group, asked string) (string, bool) {
	before, after, ok := strings.Cut(group, "*")
	if !ok || strings.Contains(asked, "*") {
		return "", false
	}
	p := pattern{before: before, after: after}
	return p.match(asked)
}

// longestFitting returns the longest name of a group that a name fits, of those the first
// in order; "" if there is none.
func longestFitting(name string, groups map[string]bool) (longest string) {
	for group := range groups {
		if len(group) < len(longest) || len(group) == len(longest) && group > longest {
			continue
		}
		if _, ok := wildcard(group, name); ok {
			longest = group
		}
	}
	return longest
}

func (p *pattern) match(name string) (string, bool) {
	if len(name) <= len(p.before)+len(p.after) || !strings.HasPrefix(name, p.before) || !strings.HasSuffix(name, p.after) {
		return "", false
	}
	return name[len(p.before) : len(name)-len(p.after)], true
}

// newPatterns returns the patterns among groups: the longest first, of those the first
// by name. It returns nil if there are none.
func newPatterns(groups []*Group) *[]pattern {
	var list []pattern
	for _, g := range groups {
		if before, after, ok := strings.Cut(g.name, "*"); ok {
			list = append(list, pattern{before, after, g})
		}
	}
	slices.SortFunc(list, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(len(b.group.name), len(a.group.name)), cmp.Compare(a.group.name, b.group.name))
	})
	if len(list) == 0 {
		return nil
	}
	return &list
}

// fitting returns the group whose pattern a name fits, the longest pattern first; nil if
// there is none. Names hold no state, so their number needs no bound.
func (e *Engine) fitting(name string) *Group {
	list := e.patterns.Load()
	if list == nil || strings.Contains(name, "*") {
		return nil
	}
	for i := range *list {
		if _, ok := (*list)[i].match(name); ok {
			return (*list)[i].group
		}
	}
	return nil
}
