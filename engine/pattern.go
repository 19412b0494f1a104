package engine

import (
	"cmp"
	"slices"
	"strings"
)

// Wildcard returns the text that the asterisk in the name of a group stands for in the name
// asked: "gpt-4o" for the group "openai/*" and the name "openai/gpt-4o". The first
// asterisk stands for one character or more. Wildcard reports false for a group without an
// asterisk, and for a name that does not fit or has an asterisk itself, which no model's name
// has.
func Wildcard(group, asked string) (string, bool) {
	before, after, ok := strings.Cut(group, "*")
	if !ok || strings.Contains(asked, "*") || len(asked) <= len(before)+len(after) ||
		!strings.HasPrefix(asked, before) || !strings.HasSuffix(asked, after) {
		return "", false
	}
	return asked[len(before) : len(asked)-len(after)], true
}

// Matches reports whether a name fits a pattern in which each asterisk stands for any
// text, also an empty one. Such are the patterns in [Caller.Groups]. A
// pattern without an asterisk matches only itself.
func Matches(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok {
		var part string
		if part, rest, wild = strings.Cut(rest, "*"); !wild {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part) // the first match leaves the longest rest for the parts behind it
	}
	return false
}

// patterns are the names of groups with an asterisk: the longest first, equally long ones in
// alphabetical order.
type patterns []string

// patternsOf returns the patterns among the names of groups.
func patternsOf(groups map[string]bool) patterns {
	var list patterns
	for name := range groups {
		if strings.Contains(name, "*") {
			list = append(list, name)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return list
}

// fit returns the first pattern that a name fits; "" if there is none. Nothing is stored by
// name, so that requests for ever new names need no memory.
func (p patterns) fit(name string) string {
	for _, group := range p {
		if _, ok := Wildcard(group, name); ok {
			return group
		}
	}
	return ""
}
