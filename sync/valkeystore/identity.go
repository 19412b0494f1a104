package valkeystore

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// The identity of a bucket's data is the value of one key. If the names of the
// counters contain an epoch, it is that epoch and when the epoch began, in Unix
// milliseconds: "sz3kq0v1a:1795478400000". Else it is a random number, the
// generation.
const (
	identityEpoch      = "e"
	identityGeneration = "g"
)

// newIdentity returns a new identity for a bucket that has none.
func (b *bucket) newIdentity(t *text, above uint64, now time.Time) string {
	if b.epochs {
		return epochText(t, syncer.NewEpoch(above, now), now)
	}
	t.uint(rand.Uint64() | 1) // never 0
	return t.cut()
}

func epochText(t *text, epoch uint64, now time.Time) string {
	t.base36(epoch)
	t.str(":")
	t.int(now.UnixMilli())
	return t.cut()
}

// identify sets the identity in a reply.
func (b *bucket) identify(s string, r *syncer.Reply) {
	if b.epochs {
		r.Epoch, r.EpochBegan = epochOf(s)
		return
	}
	r.Generation = generation(s)
}

// unidentified sets the identity in a reply if it cannot be read.
func (b *bucket) unidentified(batch *syncer.Batch, r *syncer.Reply) {
	if b.epochs {
		r.Epoch = 1 // below any other epoch: the nodes begin a new one, which overwrites the key
		return
	}
	r.Generation = max(batch.Generation, 1) // no change is known
}

// epochOf parses an epoch and when it began; a zero time = not known. A text that is no epoch
// counts as the lowest epoch.
func epochOf(s string) (n uint64, began time.Time) {
	epoch, millis, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(epoch, 36, 64)
	if err != nil || n == 0 || n > 1<<62 {
		return 1, time.Time{}
	}
	if at, err := strconv.ParseInt(millis, 10, 64); err == nil && at > 0 {
		began = time.UnixMilli(at)
	}
	return n, began
}
