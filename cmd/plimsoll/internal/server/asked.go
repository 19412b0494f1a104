package server

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// MayAsk reports whether the token is for what a client asks for: a group, by its name or
// an alias, or a name that fits the pattern of a group. Of a pattern the token has to name
// the model. A nil token may ask for everything.
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
