package replay

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// EngineOf returns the engine of a policy that Engine has made.
func EngineOf(p Policy) *engine.Engine { return p.(*enginePolicy).engine }

// LiteLLMPreCheck is the policy of LiteLLM's pre-check alone, without the
// selection before it, on a pool of one deployment.
func LiteLLMPreCheck(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
	return baselinePolicy{preCheck{newRouter(pool, now, seed)}}, nil
}

type preCheck struct{ *router }

func (p preCheck) choose(trace.Request, []int) (place int, ok bool) {
	return 0, p.strategy.PreCheck(p.now(), 0)
}
