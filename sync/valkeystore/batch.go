package valkeystore

import (
	"math"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Indexes of replies within the reply of EXEC.
const (
	inTime     = 0
	inIdentity = 2 // identity of the bucket's data: its epoch, or its generation
)

// call is the commands of one batch and the positions of their replies. It is
// reused, except after an error, because its commands may then still be waiting
// to be written.
type call struct {
	cmds []valkey.Completed
	text text
	head string          // prefix of the epoch's keys
	at   []places        // for each of Deltas, then of Reads
	due  []syncer.Counts // for each delta: the counters whose EXPIRE is part of the batch
	gets []string        // keys of the MGET
	now  time.Time       // the server's time, estimated; zero = not known

	// Positions of the replies to the commands before the transaction; -1 = no such
	// command. The reply to a duplicate has only the first two.
	atIdentity, atPrev, atWatch, atMulti int

	held       []int            // index in MGET's reply of the counts of each tally that are held by escrow; -1 = the batch does not ask
	inPrev     int              // index of EXISTS of the previous batch's marker; 0 = none
	inGets     int              // index of MGET; 0 = none
	inNodes    int              // index of ZCOUNT of the nodes; 0 = none
	inMembers  int              // index of ZRANGE of the nodes' names; 0 = none
	inOutdated int              // index of ZCOUNT of the nodes with the previous key format; 0 = none
	inVersion  int              // index of GET of the cooldowns' version; 0 = none
	inCooling  [instantSets]int // index of ZRANGE of each set of cooldowns; 0 = none
	extras     [extraCount]span
	version    string  // version of the cooldowns
	others     []other // nodes with other settings
	paid       int     // keys of the bucket's debt that get their TTL with this batch
	renews     bool
	bytes      int
	queued     int // number of commands in the transaction
	registered time.Time
}

// places holds the positions of a tally's totals, in the order of counterKinds.
// A number from 0 is an index in EXEC's reply. A negative number n is the index
// ^n in MGET's reply. Nowhere = the batch does not ask for the total.
type places [counterCount]int

const nowhere = math.MinInt

func (c *call) reset() {
	c.cmds, c.at, c.due, c.gets = c.cmds[:0], c.at[:0], c.due[:0], c.gets[:0]
	c.held = c.held[:0]
	c.text = text{}
	c.atIdentity, c.atPrev, c.atWatch, c.atMulti = -1, -1, -1, -1
	c.inPrev, c.inGets, c.inNodes, c.inMembers, c.inOutdated, c.inVersion, c.paid, c.bytes, c.queued = 0, 0, 0, 0, 0, 0, 0, 0, 0
	c.inCooling = [instantSets]int{}
	c.extras, c.version, c.others = [extraCount]span{}, "", c.others[:0]
	c.renews, c.registered = false, time.Time{}
}

// add adds a command to the pipeline and returns the index of its reply.
func (c *call) add(cmd valkey.Completed, size int) int {
	c.cmds = append(c.cmds, cmd)
	c.bytes += size
	return len(c.cmds) - 1
}

// queue adds a command to the transaction and returns the index of its reply in
// EXEC's.
func (c *call) queue(cmd valkey.Completed, size int) int {
	c.add(cmd, size+overheadQueued)
	c.queued++
	return c.queued - 1
}

// Bytes that a command and its reply take on the wire beside its key and number.
const (
	overhead       = 40
	overheadQueued = overhead + 9 // "+QUEUED\r\n"
)

// build writes the commands of a batch. The transaction applies the deltas only
// if the batch has no marker yet. All commands outside the transaction are
// idempotent.
func (c *call) build(bld valkey.Builder, b *bucket, batch *syncer.Batch, lacking lacks, local time.Time) {
	c.reset()
	c.text.b.Grow(256 + (len(batch.Deltas)+len(batch.Reads))*2*(len(b.head)+64))
	b.mu.Lock()
	defer b.mu.Unlock()
	c.head = b.named(&c.text, batch.Epoch)
	b.enter(batch.Epoch)
	if batch.Next != 0 {
		c.raise(bld, b, batch, local)
		return
	}
	identity := b.word(&c.text, b.identity)
	marker, before := "", ""
	if batch.Seq != 0 {
		marker, before = c.marker(batch.Node, batch.Seq), c.marker(batch.Node, batch.Seq-1)
		c.atIdentity = c.add(bld.Get().Key(identity).Build(), len(identity)+overhead)
		c.atPrev = c.add(bld.Exists().Key(before).Build(), len(before)+overhead)
		c.guard(bld, marker)
	}
	c.atMulti = c.add(bld.Multi().Build(), overhead)
	c.queue(bld.Time().Build(), overhead)
	c.queue(bld.Set().Key(identity).Value(b.newIdentity(&c.text, batch.Epoch, c.serverTime(local))).Nx().Ex(identityTTL).Build(), len(identity)+overhead)
	c.queue(bld.Get().Key(identity).Build(), len(identity)+overhead)
	if batch.Seq != 0 {
		c.inPrev = c.queue(bld.Exists().Key(before).Build(), len(before)+overhead)
	}
	c.counts(bld, b, batch)
	c.expiries(bld, b, batch, local)
	c.extra(lacking, extraCooldowns, func() { c.cooldowns(bld, b, batch, local) })
	if !c.now.IsZero() && b.due(batch.Node, local) { // the first batch omits these, because it has no server time
		c.extra(lacking, extraNodes, func() { c.nodes(bld, b, batch, local) })
		c.extra(lacking, extraOutdated, func() { c.outdated(bld, b) })
	}
	if c.renews = local.Sub(b.refreshed) >= identityDue; c.renews {
		c.queue(bld.Expire().Key(identity).Seconds(int64(identityTTL/time.Second)).Build(), len(identity)+overhead)
	}
	if batch.Seq != 0 {
		c.queue(bld.Set().Key(marker).Value("1").Ex(keyTTL).Build(), len(marker)+overhead)
	}
	c.add(bld.Exec().Build(), overhead)
}

// guard makes EXEC fail if the batch's marker exists: the marker is watched, and
// SET XX then changes it.
func (c *call) guard(bld valkey.Builder, marker string) {
	c.atWatch = c.add(bld.Watch().Key(marker).Build(), len(marker)+overhead)
	c.add(bld.Set().Key(marker).Value("1").Xx().Ex(keyTTL).Build(), len(marker)+overhead)
}

// raise writes the commands that begin an epoch. Their marker is common to all
// nodes that begin one from the same epoch, so exactly one of them succeeds.
func (c *call) raise(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	key := b.word(&c.text, b.identity)
	c.text.str(c.head)
	c.text.str("x:")
	c.text.uint(batch.Seq)
	marker := c.text.cut()
	c.atIdentity = c.add(bld.Get().Key(key).Build(), len(key)+overhead)
	c.guard(bld, marker)
	c.atMulti = c.add(bld.Multi().Build(), overhead)
	c.queue(bld.Time().Build(), overhead)
	c.queue(bld.Set().Key(key).Value(epochText(&c.text, batch.Next, c.serverTime(local))).Ex(identityTTL).Build(), len(key)+overhead)
	c.queue(bld.Get().Key(key).Build(), len(key)+overhead)
	c.queue(bld.Set().Key(marker).Value("1").Ex(keyTTL).Build(), len(marker)+overhead)
	c.add(bld.Exec().Build(), overhead)
}

// counts writes the commands that apply the deltas, and one MGET for the other
// totals that the batch asks for.
func (c *call) counts(bld valkey.Builder, b *bucket, batch *syncer.Batch) {
	for i := range batch.Deltas {
		c.count(bld, b, &batch.Deltas[i], batch.Of(i))
		c.hold(bld, b, &batch.Deltas[i], batch.Wants(i))
	}
	for i := range batch.Reads {
		t := blank(&batch.Reads[i])
		c.count(bld, b, &t, batch.Of(len(batch.Deltas)+i))
		c.hold(bld, b, &t, batch.Wants(len(batch.Deltas)+i))
	}
	if len(c.gets) == 0 {
		return
	}
	size := overhead
	for _, key := range c.gets {
		size += len(key) + 20
	}
	c.inGets = c.queue(bld.Mget().Key(c.gets...).Build(), size)
}

func (c *call) count(bld valkey.Builder, b *bucket, t *window.Tally, which syncer.Counts) {
	var at places
	for i, k := range counterKinds {
		if which&k == 0 {
			at[i] = nowhere
			continue
		}
		b.names.name(&c.text, c.head, counter{t.ID, t.Kind, t.Start, k})
		key := c.text.cut()
		n := *field(t, k)
		if n == 0 {
			c.gets = append(c.gets, key)
			at[i] = ^(len(c.gets) - 1)
			continue
		}
		c.text.int(n)
		by := c.text.cut()
		at[i] = c.queue(bld.Arbitrary("INCRBY").Keys(key).Args(by).Build(), len(key)+len(by)+overhead)
	}
	c.at = append(c.at, at)
}

// expiries writes an EXPIRE for every counter that this store changes for the
// first time, for those that the server may have dropped meanwhile, and for those
// of the bucket's debt.
func (c *call) expiries(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	now := c.serverTime(local)
	expire := func(head string, t *window.Tally, which syncer.Counts) {
		for _, k := range counterKinds {
			if which&k == 0 {
				continue
			}
			of := counter{t.ID, t.Kind, t.Start, k}
			b.names.name(&c.text, head, of)
			key := c.text.cut()
			c.queue(bld.Expire().Key(key).Seconds(b.lives(of, now)).Nx().Build(), len(key)+overhead)
		}
	}
	for i := range batch.Deltas {
		d := &batch.Deltas[i]
		need := changed(d)
		if need != 0 && !c.late(b, d) {
			need &^= b.touched(d)
		}
		c.due = append(c.due, need)
		expire(c.head, d, need)
	}
	b.settleStale(local)
	c.paid = min(len(b.debt), maxTallies)
	for i := range b.debt[:c.paid] {
		owed := &b.debt[i]
		expire(b.named(&c.text, owed.epoch), &owed.of, owed.counts)
	}
}

// late reports whether the counters of a window may have expired already.
// Counters of a day only expire after the last node has used them.
func (c *call) late(b *bucket, d *window.Tally) bool {
	if d.Kind.Long() {
		return false
	}
	shortest := b.names.ttl(counter{kind: d.Kind, count: syncer.CountTokens})
	return c.now.IsZero() || c.now.Unix() >= d.Start+int64(shortest/time.Second)-expiryMargin
}

// serverTime returns the server's estimated time, or local if there is none yet.
func (c *call) serverTime(local time.Time) time.Time {
	if c.now.IsZero() {
		return local
	}
	return c.now
}

// expiryMargin is how many seconds before its expiry a counter is treated as
// expired, because clocks differ.
const expiryMargin = 5

// cooldowns writes the commands that add the cooldowns and the reported limits of the deltas to
// their sets, each with the latest instant ever reported of it, and that read the sets' version.
// They read the sets too if they add to one, and every rereadCooldowns. They remove members
// whose instant has passed. A set expires when no node adds to it any more. The version is the
// number of batches that added something.
func (c *call) cooldowns(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	version := b.word(&c.text, "v")
	now := c.serverTime(local).UnixMilli()
	c.text.int(now)
	past := c.text.cut()
	c.text.int(now + syncer.MaxCooldown)
	most := c.text.cut()
	var keys [instantSets]string
	var added [instantSets]bool
	for set := range keys {
		keys[set] = b.word(&c.text, setNames[set])
	}
	for i := range batch.Deltas {
		d := &batch.Deltas[i]
		if d.CoolUntil <= now {
			continue
		}
		until, set := float64(min(d.CoolUntil, now+syncer.MaxCooldown)), setOf(d.ID)
		c.queue(bld.Zadd().Key(keys[set]).Gt().ScoreMember().ScoreMember(until, d.ID).Build(), len(keys[set])+len(d.ID)+overhead)
		added[set] = true
	}
	changed := false
	for set, key := range keys {
		if added[set] {
			c.queue(bld.Zremrangebyscore().Key(key).Min("-inf").Max(past).Build(), len(key)+overhead)
			c.queue(bld.Expire().Key(key).Seconds(int64(coolTTL/time.Second)).Build(), len(key)+overhead)
			changed = true
		}
	}
	if changed {
		c.queue(bld.Incrby().Key(version).Increment(1).Build(), len(version)+overhead)
		c.queue(bld.Expire().Key(version).Seconds(int64(coolTTL/time.Second)).Build(), len(version)+overhead)
	}
	c.inVersion = c.queue(bld.Get().Key(version).Build(), len(version)+overhead)
	if !changed && !b.cool.due(local) {
		return
	}
	for set, key := range keys {
		c.inCooling[set] = c.queue(inForce(bld, key, past, most), len(key)+overhead)
	}
}

// mostMembers is the number of nodes up to which their names are read, once a second.
const mostMembers = 64

// nodes writes the commands that add the node to the set of live nodes, with the settings
// that must be equal on all nodes, and that count the set, once a second.
func (c *call) nodes(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	c.registered = local
	node := batch.Node + namedOf(b.settings, batch.Modes)
	key := b.word(&c.text, "n")
	now := float64(c.now.UnixMilli()) / 1000
	c.text.int(c.now.Add(-nodeTTL).Unix())
	since := c.text.cut()
	c.text.int(c.now.Add(-keyTTL).Unix())
	long := c.text.cut()
	add := bld.Zadd().Key(key).ScoreMember().ScoreMember(now, node)
	if e, ok := b.registered[batch.Node]; ok && e.modes != batch.Modes {
		add = add.ScoreMember(0, batch.Node+namedOf(b.settings, e.modes)) // or the node would count twice
	}
	c.queue(add.Build(), len(key)+len(node)+overhead)
	c.inNodes = c.queue(bld.Zcount().Key(key).Min(since).Max("+inf").Build(), len(key)+overhead)
	if b.live <= mostMembers {
		c.inMembers = c.queue(bld.Zrange().Key(key).Min(since).Max("+inf").Byscore().Limit(0, mostMembers+1).Build(), len(key)+overhead+b.live*40)
	}
	c.queue(bld.Zremrangebyscore().Key(key).Min("-inf").Max(long).Build(), len(key)+overhead)
	c.queue(bld.Expire().Key(key).Seconds(int64(keyTTL/time.Second)).Build(), len(key)+overhead)
}

// outdated writes the command that counts the live nodes with the previous key format,
// whose usage is in other counters.
func (c *call) outdated(bld valkey.Builder, b *bucket) {
	if b.number != 0 {
		return
	}
	c.text.str(prefixBefore)
	c.text.str(b.head[len(prefix):])
	c.text.str("n")
	key := c.text.cut()
	c.text.int(c.now.Add(-nodeTTL).Unix())
	c.inOutdated = c.queue(bld.Zcount().Key(key).Min(c.text.cut()).Max("+inf").Build(), len(key)+overhead)
}

// word returns a key of the bucket itself.
func (b *bucket) word(t *text, name string) string {
	t.str(b.head)
	t.str(name)
	return t.cut()
}

// named returns the prefix of the keys of an epoch.
func (b *bucket) named(t *text, epoch uint64) string {
	if !b.epochs {
		return b.head
	}
	t.str(b.head)
	t.base36(epoch)
	t.str(":")
	return t.cut()
}

// marker returns the key whose existence shows that a batch was applied.
func (c *call) marker(node string, seq uint64) string {
	t := &c.text
	t.str(c.head)
	t.str("d:")
	t.str(node)
	t.str(":")
	t.uint(seq)
	return t.cut()
}
