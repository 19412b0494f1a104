package replay

import "github.com/plimsoll-dev/plimsoll/engine"

// EngineOf returns the engine of a policy that Engine has made.
func EngineOf(p Policy) *engine.Engine { return p.(*enginePolicy).engine }
