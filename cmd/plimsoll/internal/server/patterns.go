package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Patterns is a list of names in which * stands for any text, an empty one too. A nil
// list matches every name.
type Patterns []string

const maxPatterns = 100

// ParsePatterns reads patterns with commas between them.
func ParsePatterns(text string) (Patterns, error) {
	p := Patterns(strings.Split(text, ","))
	if len(p) > maxPatterns {
		return nil, fmt.Errorf("%d patterns; at most %d", len(p), maxPatterns)
	}
	if slices.Contains(p, "") {
		return nil, errors.New("an empty pattern; separate patterns by one comma, * stands for any text")
	}
	return p, nil
}

// Match reports whether a name is one of the patterns'.
func (p Patterns) Match(name string) bool {
	if p == nil {
		return true
	}
	return slices.ContainsFunc(p, func(one string) bool { return glob(one, name) })
}

// glob matches a pattern of which each * is tried at the first place that fits: what
// is behind the last * must be the end.
func glob(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for {
		var part string
		part, rest, wild = strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(name, part)
		}
		_, after, ok := strings.Cut(name, part)
		if !ok {
			return false
		}
		name = after
	}
}

func (p Patterns) String() string { return strings.Join(p, ",") }
