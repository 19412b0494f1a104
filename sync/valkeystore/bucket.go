package valkeystore

import (
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// windowsKept is the number of windows of each kind whose touches a bucket keeps.
// Dropping one only costs another EXPIRE for each of its keys.
const windowsKept = 4

// bucket is this store's knowledge of one bucket's keys on the server.
type bucket struct {
	number   int
	head     string
	names    namer
	epochs   bool   // counters are named after an epoch
	identity string // the key that holds the epoch or the generation
	settings string // suffix of this node's name in the set of live nodes, before their modes

	mu         sync.Mutex
	epoch      uint64    // epoch of the counters in windows
	windows    []touches // the keys that were given a TTL
	debt       []debt    // keys that may lack a TTL: the next batches give them one
	stale      []debt    // debt from before the last loss, at lostAt: due once no earlier batch can still arrive
	lostAt     time.Time
	refreshed  time.Time        // when the identity's TTL was last renewed
	registered map[string]entry // of nodes in the set of those alive
	cool       cooldowns
	probed     uint64 // the client whose server is known to run transactions
	live       int    // live nodes at liveAt
	liveAt     time.Time
}

// entry is when a node was last entered in the set of those alive, and with which modes.
type entry struct {
	at    time.Time
	modes syncer.NodeModes
}

// debt is a set of counters of a deployment in a window that may lack a TTL.
type debt struct {
	epoch  uint64
	of     window.Tally
	counts syncer.Counts
}

type touches struct {
	kind  window.Kind
	start int64
	done  map[string]syncer.Counts
}

func newBucket(number int, cfg Config) *bucket {
	b := &bucket{number: number, head: head(cfg.Namespace, number), registered: map[string]entry{}, settings: settingsOf(cfg)}
	b.names, b.epochs, b.identity = native{}, true, identityEpoch
	if cfg.KeyFormat == FormatLiteLLM {
		b.names, b.epochs, b.identity = litellm{cfg.Model, cfg.TTL, native{}}, false, identityGeneration
	}
	return b
}

// enter drops the record of counters with a TTL if a batch is of another epoch,
// which has other counters.
func (b *bucket) enter(epoch uint64) {
	if b.epoch != epoch {
		b.forget()
		b.epoch = epoch
	}
}

// touched returns the counters of a deployment that have been given their TTL.
func (b *bucket) touched(d *window.Tally) syncer.Counts {
	for i := range b.windows {
		if w := &b.windows[i]; w.start == d.Start && w.kind == d.Kind {
			return w.done[d.ID]
		}
	}
	return 0
}

func (b *bucket) touch(d *window.Tally, which syncer.Counts) {
	oldest, kept := -1, 0
	for i := range b.windows {
		w := &b.windows[i]
		if w.kind != d.Kind {
			continue
		}
		if w.start == d.Start {
			w.done[d.ID] |= which
			return
		}
		if kept++; oldest < 0 || w.start < b.windows[oldest].start {
			oldest = i
		}
	}
	t := touches{d.Kind, d.Start, map[string]syncer.Counts{d.ID: which}}
	switch {
	case kept < windowsKept:
		b.windows = append(b.windows, t)
	case d.Start > b.windows[oldest].start:
		b.windows[oldest] = t
	}
}

const (
	// onTheWay is how long after a loss copies of earlier batches may still arrive.
	// They can create a counter again without a TTL, because it had one before.
	onTheWay = 3 * time.Second
	// mostStale is the largest length of stale after several losses.
	mostStale = 1 << 16
)

// forget handles a loss of keys on the server: keys with a TTL become stale debt, because
// another node may create them again without one.
func (b *bucket) forget() {
	for i := range b.windows {
		w := &b.windows[i]
		for id, counts := range w.done {
			if len(b.stale) < mostStale {
				b.stale = append(b.stale, debt{b.epoch, window.Tally{ID: id, Kind: w.kind, Start: w.start}, counts})
			}
		}
	}
	b.windows, b.lostAt = b.windows[:0], time.Now()
}

// settleStale moves stale debt to the debt, as much as one batch can give a TTL.
func (b *bucket) settleStale(now time.Time) {
	if n := min(maxTallies-len(b.debt), len(b.stale)); n > 0 && now.Sub(b.lostAt) >= onTheWay {
		b.debt = append(b.debt, b.stale[len(b.stale)-n:]...)
		b.stale = b.stale[:len(b.stale)-n]
	}
}

// owe records counters that may have no TTL.
func (b *bucket) owe(epoch uint64, d *window.Tally, which syncer.Counts) {
	if len(b.debt) < 4*maxTallies {
		b.debt = append(b.debt, debt{epoch, blank(d), which})
	}
}

// due reports whether a node must be added to the set of nodes again.
func (b *bucket) due(node string, now time.Time) bool {
	return now.Sub(b.registered[node].at) >= nodeInterval
}

func (b *bucket) register(node string, modes syncer.NodeModes, now time.Time) {
	if len(b.registered) > 256 {
		for n, e := range b.registered {
			if now.Sub(e.at) > nodeTTL {
				delete(b.registered, n)
			}
		}
	}
	b.registered[node] = entry{now, modes}
}
