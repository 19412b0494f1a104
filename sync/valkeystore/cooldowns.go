package valkeystore

import (
	"context"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Cooldowns and limits that providers have reported are members of a sorted set each, by the
// Unix millisecond until when they are in force. A reply has room for [syncer.MaxCooling]
// members of each set, those that end first: many of one kind displace none of the other.
const (
	setCooldowns = iota
	setLimits
	instantSets
)

// setNames are the last parts of the sets' keys.
var setNames = [instantSets]string{"w", "l"}

// setOf returns which set an ID is a member of.
func setOf(id string) int {
	if _, _, _, limit := window.CutLimitID(id); limit {
		return setLimits
	}
	return setCooldowns
}

// inForce reads the members of a set whose instants are after one and not after another.
func inForce(bld valkey.Builder, key, after, most string) valkey.Completed {
	return bld.Zrange().Key(key).Min("("+after).Max(most).Byscore().Limit(0, syncer.MaxCooling).Withscores().Build()
}

// cooldowns are the members in force of a bucket's sets as last read. A counter on the
// server, their version, says whether one was added since.
type cooldowns struct {
	version string
	at      time.Time // when they were read; zero = never
	list    []window.Tally
}

// rereadCooldowns is after how long cooldowns are read again though none was added.
const rereadCooldowns = 30 * time.Second

// due reports whether to read the list whatever its version.
func (k *cooldowns) due(now time.Time) bool {
	return k.at.IsZero() || now.Sub(k.at) >= rereadCooldowns
}

// cooldownsOf puts the cooldowns in force into the reply to a batch that was applied: as
// the batch has read them, as they were last read, or, if another node has added one
// since, as they are read now.
func (s *Store) cooldownsOf(ctx context.Context, conn valkey.CoreClient, b *bucket, c *call, r *syncer.Reply, now time.Time) {
	if c.inVersion == 0 || r.Duplicate {
		return
	}
	b.mu.Lock()
	read := c.inCooling[setCooldowns] != 0
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

// readCooldowns reads the cooldowns and reported limits in force. The version comes first, so
// it is no newer than they are.
func readCooldowns(ctx context.Context, conn valkey.CoreClient, b *bucket, now time.Time) (list []window.Tally, version string, ok bool) {
	bld := conn.B()
	past, most := strconv.FormatInt(now.UnixMilli(), 10), strconv.FormatInt(now.UnixMilli()+syncer.MaxCooldown, 10)
	cmds := []valkey.Completed{bld.Get().Key(b.head + "v").Build()}
	for _, name := range setNames {
		cmds = append(cmds, inForce(bld, b.head+name, past, most))
	}
	results := conn.DoMulti(ctx, cmds...)
	if transport(results) != nil {
		return nil, "", false
	}
	version, _ = results[0].ToString()
	for _, result := range results[1:] {
		if m, err := result.ToMessage(); err == nil { // else no sorted set: it has no members
			list = cooling(&m, list)
		}
	}
	return list, version, true
}
