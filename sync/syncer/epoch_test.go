package syncer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// overtaken is a store in which another node begins an epoch between the commands of the first
// attempt to begin one, of which the reply has the epoch before.
type overtaken struct {
	*memstore.Store
	attempts []syncer.Batch
}

func (o *overtaken) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	if b.Next == 0 {
		return o.Store.Exchange(ctx, b, r)
	}
	if o.attempts = append(o.attempts, b); len(o.attempts) > 1 {
		return o.Store.Exchange(ctx, b, r)
	}
	other := b
	other.Node, other.Next = "other", b.Next+1
	err := o.Store.Exchange(ctx, other, r)
	r.Duplicate, r.Epoch = true, b.Epoch
	return err
}

// TestEpochOvertaken: a node that another one overtakes in beginning an epoch enters that epoch, and
// does not put another in its place.
func TestEpochOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &overtaken{Store: memstore.New(memstore.Config{})}
		n := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{})
		n.sync()
		n.use("a", 1, 1)
		n.sync()
		before := store.Save()
		n.use("a", 1, 1)
		n.sync()
		store.Load(before)
		time.Sleep(time.Second)
		n.sync()
		require.Len(t, store.attempts, 2)
		require.Equal(t, store.attempts[0].Seq, store.attempts[1].Seq, "the same attempt: its marker shows that it is over")
		require.EqualValues(t, 2, total(store.Store, "a", minute()).Requests)
	})
}
