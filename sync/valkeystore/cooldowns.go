package valkeystore

import (
	"context"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A bucket has two sorted sets: one of cooldowns, and one of limits that providers have
// reported. The score is the Unix millisecond until which a member is in force. A reply holds
// at most [syncer.MaxCooling] members of each set, those that end first, so that many members
// of one set displace none of the other.
const (
	setCooldowns = iota
	setLimits
	instantSets
)

// setNames are the suffixes of the sets' keys.
var setNames = [instantSets]string{"w", "l"}

// setOf returns the set of an ID.
func setOf(id string) int {
	if _, _, _, limit := window.CutLimitID(id); limit {
		return setLimits
	}
	return setCooldowns
}

// inForce returns the command that reads the members of a set with after < instant <= most.
func inForce(bld valkey.Builder, key, after, most string) valkey.Completed {
	return bld.Zrange().Key(key).Min("("+after).Max(most).Byscore().Limit(0, syncer.MaxCooling).Withscores().Build()
}

// cooldowns are the members in force of a bucket's sets as last read. The version is a
// counter on the server, which shows whether a member was added since.
type cooldowns struct {
	version string
	at      time.Time // when they were read; zero = never
	list    []window.Tally
}

// rereadCooldowns is the age at which cooldowns are read again although none was added.
const rereadCooldowns = 30 * time.Second

// due reports whether the list must be read even if its version is unchanged.
func (k *cooldowns) due(now time.Time) bool {
	return k.at.IsZero() || now.Sub(k.at) >= rereadCooldowns
}

// cooldownsOf adds the cooldowns in force to the reply to an applied batch. They are those
// that the batch has read, or those last read if the version is unchanged. If another node
// has added one since, cooldownsOf reads them now.
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

// readCooldowns reads the cooldowns and reported limits in force. It reads the version first,
// so that the version is never newer than the list.
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
		if m, err := result.ToMessage(); err == nil { // an error means that the key is no sorted set: it has no members
			list = cooling(&m, list)
		}
	}
	return list, version, true
}
