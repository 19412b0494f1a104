package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Patterns is a list of names in which * matches any text, including "". A nil list
// matches every name.
type Patterns []string

const maxPatterns = 100

// ParsePatterns parses patterns separated by commas.
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

// Match reports whether a name matches one of the patterns.
func (p Patterns) Match(name string) bool {
	if p == nil {
		return true
	}
	return slices.ContainsFunc(p, func(one string) bool { return engine.Matches(one, name) })
}

func (p Patterns) String() string { return strings.Join(p, ",") }
