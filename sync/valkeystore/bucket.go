package valkeystore

import (
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	tokensTouched = 1 << iota
	requestsTouched
	bothTouched = tokensTouched | requestsTouched
)

// windowsKept is how many windows a bucket remembers its touches of. Forgetting
// one costs an EXPIRE for each of its keys, no more.
const windowsKept = 4

// bucket is what this store knows of one bucket's keys on the server.
type bucket struct {
	number int
	head   string
	names  namer

	mu         sync.Mutex
	windows    []touches            // the keys that were given a TTL
	debt       []tallyKey           // keys that may lack one: paid with the next batches
	refreshed  time.Time            // when the generation's TTL was last renewed
	registered map[string]time.Time // when a node was last entered in the set of nodes
	probed     uint64               // the client that was found to take transactions here
	live       int                  // nodes alive at liveAt
	liveAt     time.Time
}

type tallyKey struct {
	id    string
	start int64
}

type touches struct {
	start int64
	done  map[string]uint8
}

func newBucket(number int, cfg Config) *bucket {
	b := &bucket{number: number, head: head(cfg.Namespace, number), registered: map[string]time.Time{}}
	b.names = native{b.head}
	if cfg.KeyFormat == FormatLiteLLM {
		b.names = litellm{cfg.Model}
	}
	return b
}

// touched returns which counters of a deployment have had their TTL.
func (b *bucket) touched(id string, start int64) uint8 {
	for i := range b.windows {
		if b.windows[i].start == start {
			return b.windows[i].done[id]
		}
	}
	return 0
}

func (b *bucket) touch(id string, start int64, which uint8) {
	oldest := 0
	for i := range b.windows {
		if b.windows[i].start == start {
			b.windows[i].done[id] |= which
			return
		}
		if b.windows[i].start < b.windows[oldest].start {
			oldest = i
		}
	}
	t := touches{start, map[string]uint8{id: which}}
	switch {
	case len(b.windows) < windowsKept:
		b.windows = append(b.windows, t)
	case start > b.windows[oldest].start:
		b.windows[oldest] = t
	}
}

// forget is for when the server may have lost keys and their TTLs with them.
func (b *bucket) forget() { b.windows = b.windows[:0] }

// owe notes a counter that may have no TTL.
func (b *bucket) owe(d window.Tally) {
	if len(b.debt) < 4*MaxTallies {
		b.debt = append(b.debt, tallyKey{d.ID, d.Start})
	}
}

// due reports whether a node should be entered in the set of nodes again.
func (b *bucket) due(node string, now time.Time) bool {
	return now.Sub(b.registered[node]) >= nodeInterval
}

func (b *bucket) register(node string, now time.Time) {
	if len(b.registered) > 256 {
		for n, at := range b.registered {
			if now.Sub(at) > nodeTTL {
				delete(b.registered, n)
			}
		}
	}
	b.registered[node] = now
}
