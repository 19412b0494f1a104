package valkeystore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEscrowWithoutRights: where the server refuses what counts do not need, limits hold all the
// same; where it refuses a command of the transaction nothing is granted, and the policy decides:
// closed admits nothing at all. With the right back, the limit is used.
func TestEscrowWithoutRights(t *testing.T) {
	const limit = 120
	for _, test := range []struct {
		denied []string
		grants bool
	}{
		{[]string{"-zadd", "-zrange", "-zcount", "-zremrangebyscore"}, true},
		{[]string{"-incrby"}, false},
		{[]string{"-mget"}, false},
		{[]string{"-multi"}, false},
	} {
		t.Run(test.denied[0], func(t *testing.T) {
			t.Parallel() // it waits most of the time
			server := servertest.Start(t)
			server.Do(t, append([]string{"ACL", "SETUSER", "default"}, test.denied...)...)
			f := &fleet{t: t, deployments: 3, limits: engine.Limits{RPM: limit}, mode: syncer.Escrow, away: syncer.Policies{Requests: syncer.Closed, Tokens: syncer.Closed}}
			f.awayFromTurn()
			f.start(3, server.Addr())
			if !test.grants {
				pause(4 * time.Second)
				require.Zero(t, requests(own(f.gateways...)), "without a grant nothing is admitted")
				server.Do(t, "ACL", "SETUSER", "default", "+@all")
			}
			f.full(limit * 9 / 10)
			f.within(limit)
		})
	}
}
