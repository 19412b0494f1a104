package server

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// MayAsk reports whether the token allows a requested name: of a group, of an alias, or a
// name that matches the pattern of a group. For a pattern the token must allow the requested
// name itself. A nil token allows everything.
func (t *Token) MayAsk(eng *engine.Engine, asked string) bool {
	if t == nil || t.Groups == nil {
		return true
	}
	group, err := eng.Group(asked)
	if err != nil {
		return t.MayCall(asked)
	}
	if wild, ok := group.Wildcard(asked); ok {
		return t.MayCall(strings.Replace(group.Name(), "*", wild, 1))
	}
	return t.MayCall(group.Name())
}
