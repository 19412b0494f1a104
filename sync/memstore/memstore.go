package memstore

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// ttl is how long a key or a marker outlives its first or last touch: two
	// windows and a little, so that a batch is given up before its marker goes.
	ttl     = 130 * time.Second
	sweep   = 10 * time.Second // how often what has expired is looked for
	nodeTTL = 5 * time.Second  // how long a node counts as alive after a batch
)

// Config says how a store behaves. The zero value is a store of one bucket on
// the real clock.
type Config struct {
	// Now is the store's clock; nil = time.Now. It must be safe for concurrent
	// use.
	Now func() time.Time
	// Buckets is how many batches the deployments are divided into; 0 = 1.
	Buckets int
}

// Store is a store in memory. All methods are safe for concurrent use.
type Store struct {
	now     func() time.Time
	buckets int

	mu   sync.Mutex
	data data
	next time.Time // of the next sweep
}

// data is what a snapshot holds.
type data struct {
	generation uint64
	totals     map[key]total
	marks      map[mark]time.Time // when they expire
	nodes      map[string]time.Time
}

type key struct {
	id    string
	start int64
}

type total struct {
	requests, tokens int64
	until            time.Time
}

type mark struct {
	node   string
	bucket int
	seq    uint64
}

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{now: cfg.Now, buckets: max(cfg.Buckets, 1)}
	if s.now == nil {
		s.now = time.Now
	}
	s.data = empty()
	return s
}

func empty() data {
	return data{
		generation: rand.Uint64() | 1, // never 0
		totals:     map[key]total{}, marks: map[mark]time.Time{}, nodes: map[string]time.Time{},
	}
}

// Bucket returns which batch a deployment travels in.
func (s *Store) Bucket(id string) int {
	if s.buckets == 1 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum64() % uint64(s.buckets))
}

// Exchange applies a batch; see [syncer.Store]. It fails only when ctx has ended
// before it began, and then it has changed nothing.
func (s *Store) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
	*r = syncer.Reply{Totals: r.Totals[:0], Refused: r.Refused[:0]}
	m := mark{b.Node, b.Bucket, b.Seq}
	if s.marked(m, now) {
		r.Duplicate = true
		return nil
	}
	s.data.nodes[b.Node] = now.Add(nodeTTL)
	for _, d := range b.Deltas {
		s.add(d, now, r)
	}
	for _, k := range b.Reads {
		t := s.data.totals[key{k.ID, k.Start}]
		r.Totals = append(r.Totals, window.Tally{ID: k.ID, Start: k.Start, Requests: t.requests, Tokens: t.tokens})
	}
	r.PrevMissing = b.Seq > 1 && !s.marked(mark{b.Node, b.Bucket, b.Seq - 1}, now)
	s.data.marks[m] = now.Add(ttl)
	r.Generation, r.StoreTime = s.data.generation, now
	for _, until := range s.data.nodes {
		if until.After(now) {
			r.Nodes++
		}
	}
	return nil
}

func (s *Store) marked(m mark, now time.Time) bool {
	until, ok := s.data.marks[m]
	return ok && until.After(now)
}

// add applies a delta, each count on its own: one that would overflow is
// refused.
func (s *Store) add(d window.Tally, now time.Time, r *syncer.Reply) {
	k := key{d.ID, d.Start}
	t, ok := s.data.totals[k]
	if !ok {
		t.until = now.Add(ttl)
	}
	refused := window.Tally{ID: d.ID, Start: d.Start}
	t.requests, refused.Requests = sum(t.requests, d.Requests)
	t.tokens, refused.Tokens = sum(t.tokens, d.Tokens)
	s.data.totals[k] = t
	if refused.Requests|refused.Tokens != 0 {
		r.Refused = append(r.Refused, refused)
	}
	r.Totals = append(r.Totals, window.Tally{ID: d.ID, Start: d.Start, Requests: t.requests, Tokens: t.tokens})
}

func sum(a, b int64) (total, refused int64) {
	if c := a + b; (c > a) == (b > 0) {
		return c, 0
	}
	return a, b
}

// expire forgets what is past its time, so that a store that is used for ever
// stays small.
func (s *Store) expire(now time.Time) {
	if now.Before(s.next) {
		return
	}
	s.next = now.Add(sweep)
	for k, t := range s.data.totals {
		if !t.until.After(now) {
			delete(s.data.totals, k)
		}
	}
	for m, until := range s.data.marks {
		if !until.After(now) {
			delete(s.data.marks, m)
		}
	}
	for n, until := range s.data.nodes {
		if !until.After(now) {
			delete(s.data.nodes, n)
		}
	}
}
