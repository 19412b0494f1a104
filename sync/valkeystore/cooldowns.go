package valkeystore

import (
	"context"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// cooldowns are those of a bucket as last read. A counter on the server, their version,
// says whether any was told since.
type cooldowns struct {
	version string
	at      time.Time // when they were read; zero = never
	list    []window.Tally
}

// rereadCooldowns is after how long cooldowns are read again though none was told.
const rereadCooldowns = 30 * time.Second

// due reports whether to read the list whatever its version.
func (k *cooldowns) due(now time.Time) bool {
	return k.at.IsZero() || now.Sub(k.at) >= rereadCooldowns
}

// cooldownsOf puts the cooldowns in force into the reply to a batch that was applied: as
// the batch has read them, as they were last read, or, if another node has told of one
// since, as they are read now.
func (s *Store) cooldownsOf(ctx context.Context, conn valkey.CoreClient, b *bucket, c *call, r *syncer.Reply, now time.Time) {
	if c.inVersion == 0 || r.Duplicate {
		return
	}
	b.mu.Lock()
	read := c.inCooling != 0
	known := b.cool.version == c.version
	b.mu.Unlock()
	list, version := r.Cooling, c.version
	if !read && !known {
		list, version, read = readCooldowns(ctx, conn, b, c.serverTime(now))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if read {
		b.cool.list, b.cool.version, b.cool.at = append(b.cool.list[:0], list...), version, now
	}
	r.Cooling = r.Cooling[:0]
	for _, t := range b.cool.list {
		if t.CoolUntil > r.StoreTime.UnixMilli() {
			r.Cooling = append(r.Cooling, t)
		}
	}
}

// readCooldowns reads the cooldowns in force. The version comes first, so it is no newer
// than they are.
func readCooldowns(ctx context.Context, conn valkey.CoreClient, b *bucket, now time.Time) (list []window.Tally, version string, ok bool) {
	bld := conn.B()
	past, most := strconv.FormatInt(now.UnixMilli(), 10), strconv.FormatInt(now.UnixMilli()+syncer.MaxCooldown, 10)
	results := conn.DoMulti(ctx, bld.Get().Key(b.head+"v").Build(),
		bld.Zrange().Key(b.head+"w").Min("("+past).Max(most).Byscore().Limit(0, syncer.MaxCooling).Withscores().Build())
	if transport(results) != nil {
		return nil, "", false
	}
	version, _ = results[0].ToString()
	m, err := results[1].ToMessage()
	if err != nil {
		return nil, version, true // no sorted set: it has none
	}
	return cooling(&m, nil), version, true
}
