package valkeystore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEscrow: six nodes that are asked for far more than the limits admit all of each
// limit and nothing beyond, also when the server is emptied twice or the network loses
// replies, and leave nothing reserved when they leave.
func TestEscrow(t *testing.T) {
	const limit = 120
	server := servertest.Start(t)
	for _, test := range []struct {
		name  string
		fault func(f *fleet)
	}{
		{"no fault", func(*fleet) {}},
		{"emptied", func(*fleet) { server.Do(t, "FLUSHALL") }},
		{"replies cut", func(f *fleet) {
			for _, g := range f.gateways {
				g.proxy.CutNextReply()
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server.Do(t, "FLUSHALL")
			f := &fleet{t: t, deployments: 9, limits: engine.Limits{RPM: limit}, mode: syncer.Escrow}
			f.start(6, server.Addr())
			within := func() (full bool) {
				full = true
				for at, used := range own(f.gateways...) {
					require.LessOrEqual(t, used.Requests, int64(limit), at)
					full = full && (at.start != begin() || used.Requests > limit*9/10)
				}
				return full
			}
			for range 2 {
				pause(300 * time.Millisecond)
				test.fault(f)
				within()
			}
			servertest.Until(t, "the limits are used", within)
			f.rest()
			for _, g := range f.gateways {
				require.Less(t, g.leaveExactly(), 5*time.Second)
			}
			within()
			want := own(f.gateways...)
			for at, stored := range f.stored(server.URL(), want) {
				require.Equal(t, want[at].Requests, stored.Requests, at)
			}
		})
	}
}
