package valkeystore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestEpochOverwritten: nodes begin an epoch whenever the key that holds it has another text or
// type, however often within the life of the marker of the first time.
func TestEpochOverwritten(t *testing.T) {
	const key, other = "plimsoll2:{default.0}:e", "plimsoll2:{default.0}:other"
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: 3, limits: engine.Limits{RPM: 600}}
	f.start(2, server.Addr())
	servertest.Until(t, "all nodes have exchanged", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Exchanges < 3 {
				return false
			}
		}
		return true
	})
	for i := range 2 {
		for _, write := range []string{"SET", "RPUSH"} {
			server.Do(t, write, other, "text")
			server.Do(t, "RENAME", other, key)
			servertest.Until(t, fmt.Sprint("an epoch, after ", write, i), func() bool {
				got, err := servertest.Ask(server.Addr(), "GET", key)
				return err == nil && got != "text"
			})
			pause(300 * time.Millisecond)
		}
	}
	f.rest()
	for _, g := range f.gateways {
		require.Less(t, g.leaveExactly(), 5*time.Second)
	}
	want := own(f.gateways...)
	for at, stored := range f.stored(server.URL(), want) {
		if at.kind == window.KindMinute {
			require.Equal(t, want[at].Requests, stored.Requests, at)
		}
	}
}
