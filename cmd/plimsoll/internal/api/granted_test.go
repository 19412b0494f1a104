package api_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestDecisionsWaitForAGrant: a pick and a precheck that a ceiling alone refuses wait for the
// exchange that lifts it, as a lease does; while no exchange can they are refused at once.
func TestDecisionsWaitForAGrant(t *testing.T) {
	for _, decision := range []struct{ path, body string }{
		{"/v1/pick", `{"group": "chat", "input_tokens": 10}`},
		{"/v1/precheck", `{"deployment": "east", "input_tokens": 10, "output_tokens": 10}`},
	} {
		t.Run(decision.path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serviceOf(t, engine.Config{Deployments: deployments[:1]})
				share := func(requests int64, retry time.Duration) {
					start := time.Now().Truncate(time.Minute).Unix()
					s.engine.Absorb([]window.Share{{Tally: window.Tally{ID: "east", Start: start}, CeilingRequests: requests, CeilingTokens: 1000 * requests, Retry: retry}})
				}
				short := s.engine.Short()
				share(-1, 150*time.Millisecond)
				s.engine.GrantWithin(10 * time.Millisecond)
				go func() {
					<-short
					time.Sleep(3 * time.Millisecond)
					share(1, 150*time.Millisecond)
				}()
				begun := time.Now()
				require.Equal(t, 200, s.do("POST", decision.path, decision.body).status)
				require.Equal(t, 3*time.Millisecond, time.Since(begun))

				share(-1, 5*time.Second) // the store is away
				begun = time.Now()
				require.Equal(t, 429, s.do("POST", decision.path, decision.body).status)
				require.Zero(t, time.Since(begun))
			})
		})
	}
}
