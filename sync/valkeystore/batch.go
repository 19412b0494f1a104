package valkeystore

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Where the replies of a batch stand: first those of the pipeline, then, within
// that of EXEC, those of the transaction.
const (
	atGeneration = iota // GET of the generation; with atPrev it is what a duplicate knows
	atPrev              // EXISTS of the marker before
	atWatch
	atSet // SET XX: touches the watched marker if there is one
	atMulti

	inTime       = 0
	inGeneration = 2
	inPrev       = 3
	beforeCounts = 4
)

// call is one batch on its way: its commands, and where each answer will be.
// It is reused, but not after an error: commands may then still be waiting to
// be written.
type call struct {
	cmds []valkey.Completed
	text text
	at   []places        // of Deltas, then Reads
	due  []syncer.Counts // per delta: the counters that travel with their EXPIRE
	gets []string        // keys of the MGET
	now  time.Time       // the store's clock, roughly; zero = not known

	inGets     int // where MGET answers; 0 = there is none
	inNodes    int // where ZCOUNT answers; 0 = there is none
	inCooling  int // where ZRANGE answers
	paid       int // keys of the bucket's debt that travel along
	renews     bool
	bytes      int
	queued     int // commands of the transaction
	registered time.Time
}

// places says where the totals of a tally are, in the order of counterKinds: at a
// place in EXEC's reply, or, below zero, at place ^n in that of its MGET; nowhere
// if nobody asked.
type places [counterCount]int

const nowhere = math.MinInt

func (c *call) reset() {
	c.cmds, c.at, c.due, c.gets = c.cmds[:0], c.at[:0], c.due[:0], c.gets[:0]
	c.text = text{}
	c.inGets, c.inNodes, c.inCooling, c.paid, c.bytes, c.queued = 0, 0, 0, 0, 0, 0
	c.renews, c.registered = false, time.Time{}
}

// add adds a command to the pipeline.
func (c *call) add(cmd valkey.Completed, size int) {
	c.cmds = append(c.cmds, cmd)
	c.bytes += size
}

// queue adds a command to the transaction and returns where in EXEC's reply it
// will be answered.
func (c *call) queue(cmd valkey.Completed, size int) int {
	c.add(cmd, size+overheadQueued)
	c.queued++
	return c.queued - 1
}

// What a command costs on the wire beside its key and number, both ways.
const (
	overhead       = 40
	overheadQueued = overhead + 9 // "+QUEUED\r\n"
)

// build writes the commands of a batch. The transaction adds each delta under
// the guard of the batch's marker; what surrounds the deltas changes nothing
// when it is sent again.
func (c *call) build(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	c.reset()
	c.text.b.Grow(256 + (len(batch.Deltas)+len(batch.Reads))*2*(len(b.head)+64))
	b.mu.Lock()
	defer b.mu.Unlock()

	generation := b.word(&c.text, "g")
	marker, before := b.marker(&c.text, batch.Node, batch.Seq), b.marker(&c.text, batch.Node, batch.Seq-1)

	c.add(bld.Get().Key(generation).Build(), len(generation)+overhead)
	c.add(bld.Exists().Key(before).Build(), len(before)+overhead)
	c.add(bld.Watch().Key(marker).Build(), len(marker)+overhead)
	c.add(bld.Set().Key(marker).Value("1").Xx().Ex(keyTTL).Build(), len(marker)+overhead)
	c.add(bld.Multi().Build(), overhead)

	c.queue(bld.Time().Build(), overhead)
	c.text.uint(rand.Uint64() | 1) // never 0
	c.queue(bld.Set().Key(generation).Value(c.text.cut()).Nx().Ex(generationTTL).Build(), len(generation)+overhead)
	c.queue(bld.Get().Key(generation).Build(), len(generation)+overhead)
	c.queue(bld.Exists().Key(before).Build(), len(before)+overhead)

	c.counts(bld, b, batch)
	c.expiries(bld, b, batch, local)
	c.cooldowns(bld, b, batch, local)
	c.nodes(bld, b, batch.Node, local)
	if c.renews = local.Sub(b.refreshed) >= generationDue; c.renews {
		c.queue(bld.Expire().Key(generation).Seconds(int64(generationTTL/time.Second)).Build(), len(generation)+overhead)
	}
	c.queue(bld.Set().Key(marker).Value("1").Ex(keyTTL).Build(), len(marker)+overhead)
	c.add(bld.Exec().Build(), overhead)
}

// counts adds what a delta changes and reads the rest that is asked for, in one
// MGET.
func (c *call) counts(bld valkey.Builder, b *bucket, batch *syncer.Batch) {
	for i := range batch.Deltas {
		c.count(bld, b, &batch.Deltas[i], batch.Of(i))
	}
	for i := range batch.Reads {
		t := blank(&batch.Reads[i])
		c.count(bld, b, &t, batch.Of(len(batch.Deltas)+i))
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
		b.names.name(&c.text, counter{t.ID, t.Kind, t.Start, k})
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

// expiries gives a TTL to every counter that this store touches for the first
// time, or so late that the server may have dropped it meanwhile, and to those
// that were found to lack one.
func (c *call) expiries(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	now := c.serverTime(local)
	expire := func(t *window.Tally, which syncer.Counts) {
		for _, k := range counterKinds {
			if which&k == 0 {
				continue
			}
			of := counter{t.ID, t.Kind, t.Start, k}
			b.names.name(&c.text, of)
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
		expire(d, need)
	}
	c.paid = min(len(b.debt), MaxTallies)
	for i := range b.debt[:c.paid] {
		expire(&b.debt[i].of, b.debt[i].counts)
	}
}

// late reports whether a window's counters may have expired already. Those of a
// day do when nobody counts in them any more.
func (c *call) late(b *bucket, d *window.Tally) bool {
	if d.Kind.Daily() {
		return false
	}
	shortest := b.names.ttl(counter{kind: d.Kind, count: syncer.CountTokens})
	return c.now.IsZero() || c.now.Unix() >= d.Start+int64(shortest/time.Second)-expiryMargin
}

// serverTime returns the store's time as well as it is known.
func (c *call) serverTime(local time.Time) time.Time {
	if c.now.IsZero() {
		return local
	}
	return c.now
}

// expiryMargin is how many seconds before a counter can have expired it is
// treated as if it had: clocks differ.
const expiryMargin = 5

// cooldowns tells the cooldowns of the deltas, each under the latest instant it
// was ever told with, and asks for those in force. The set forgets what has
// passed, and goes as a whole when nobody tells any more.
func (c *call) cooldowns(bld valkey.Builder, b *bucket, batch *syncer.Batch, local time.Time) {
	key := b.word(&c.text, "w")
	now := c.serverTime(local).UnixMilli()
	c.text.int(now)
	past := c.text.cut()
	c.text.int(now + syncer.MaxCooldown)
	most := c.text.cut()
	told := false
	for i := range batch.Deltas {
		d := &batch.Deltas[i]
		if d.CoolUntil <= now {
			continue
		}
		until := float64(min(d.CoolUntil, now+syncer.MaxCooldown))
		c.queue(bld.Zadd().Key(key).Gt().ScoreMember().ScoreMember(until, d.ID).Build(), len(key)+len(d.ID)+overhead)
		told = true
	}
	if told {
		c.queue(bld.Zremrangebyscore().Key(key).Min("-inf").Max(past).Build(), len(key)+overhead)
		c.queue(bld.Expire().Key(key).Seconds(int64(coolTTL/time.Second)).Build(), len(key)+overhead)
	}
	c.text.str("(")
	c.text.str(past)
	after := c.text.cut()
	c.inCooling = c.queue(bld.Zrange().Key(key).Min(after).Max(most).Byscore().Limit(0, syncer.MaxCooling).Withscores().Build(), len(key)+overhead)
}

// nodes enters the node in the set of those alive, and counts them, once a
// second. It takes the store's time, so the first batch leaves it out.
func (c *call) nodes(bld valkey.Builder, b *bucket, node string, local time.Time) {
	if c.now.IsZero() || !b.due(node, local) {
		return
	}
	c.registered = local
	key := b.word(&c.text, "n")
	now := float64(c.now.UnixMilli()) / 1000
	c.text.int(c.now.Add(-nodeTTL).Unix())
	since := c.text.cut()
	c.text.int(c.now.Add(-keyTTL).Unix())
	long := c.text.cut()
	c.queue(bld.Zadd().Key(key).ScoreMember().ScoreMember(now, node).Build(), len(key)+len(node)+overhead)
	c.inNodes = c.queue(bld.Zcount().Key(key).Min(since).Max("+inf").Build(), len(key)+overhead)
	c.queue(bld.Zremrangebyscore().Key(key).Min("-inf").Max(long).Build(), len(key)+overhead)
	c.queue(bld.Expire().Key(key).Seconds(int64(keyTTL/time.Second)).Build(), len(key)+overhead)
}

// word returns a key of the bucket itself.
func (b *bucket) word(t *text, name string) string {
	t.str(b.head)
	t.str(name)
	return t.cut()
}

// marker returns the key that says that a batch was applied.
func (b *bucket) marker(t *text, node string, seq uint64) string {
	t.str(b.head)
	t.str("d:")
	t.str(node)
	t.str(":")
	t.uint(seq)
	return t.cut()
}
