package memstore

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// ttl is how long a minute's total is kept after its first change, and a
	// marker after its last. It is longer than the 125 s after which a syncer
	// gives up a batch in doubt, so that no batch is added twice.
	ttl = 130 * time.Second
	// dayTTL is how long the total of any other window is kept after its end.
	dayTTL  = 3 * time.Minute
	sweep   = 10 * time.Second // time between two removals of expired data
	nodeTTL = 5 * time.Second  // how long a node counts as alive after a batch
)

// Config configures a store. The zero value is a store with one bucket on the
// real clock.
type Config struct {
	// Now is the store's clock; nil = time.Now. It must be safe for concurrent
	// use.
	Now func() time.Time
	// Buckets is the number of buckets among which deployments are divided, each
	// with batches of its own; 0 = 1.
	Buckets int
	// FixedNames makes the store behave as with LiteLLM's keys, whose names
	// contain no epoch: its replies have generations instead of epochs.
	FixedNames bool
}

// Store is a [syncer.Store] in memory. All methods are safe for concurrent use.
// Make one with [New].
type Store struct {
	now     func() time.Time
	buckets int
	fixed   bool

	mu   sync.Mutex
	data data
	next time.Time // of the next sweep
}

// data is the part of a store that a snapshot copies.
type data struct {
	generation uint64
	epochs     map[int]epoch // by bucket
	totals     map[key]total
	marks      map[mark]time.Time // when each marker expires
	nodes      map[string]node
	cooling    map[string]int64 // when the cooldown ends, Unix milliseconds
	held       map[key]held
}

// held is the counts of a window that are held by escrow, and when the record expires.
type held struct {
	counts syncer.Held
	until  time.Time
}

// node is one of the nodes that use the store: until when it counts as alive, and its modes.
type node struct {
	until time.Time
	modes syncer.NodeModes
}

// epoch is the epoch of a bucket, and when it began.
type epoch struct {
	number uint64
	began  time.Time
}

type key struct {
	epoch uint64
	kind  window.Kind
	id    string
	start int64
}

func keyOf(epoch uint64, t window.Tally) key { return key{epoch, t.Kind, t.ID, t.Start} }

// tally returns a tally of the key with counts of 0.
func (k key) tally() window.Tally { return window.Tally{ID: k.id, Kind: k.kind, Start: k.start} }

type total struct {
	requests, tokens, input, output int64

	until time.Time
}

// tally returns a tally of the key with the counts in c; the others are 0.
func (t total) tally(k key, c syncer.Counts) window.Tally {
	r := k.tally()
	for _, n := range [...]struct {
		count    syncer.Counts
		to, from *int64
	}{
		{syncer.CountRequests, &r.Requests, &t.requests},
		{syncer.CountTokens, &r.Tokens, &t.tokens},
		{syncer.CountInput, &r.Input, &t.input},
		{syncer.CountOutput, &r.Output, &t.output},
	} {
		if c&n.count != 0 {
			*n.to = *n.from
		}
	}
	return r
}

type mark struct {
	epoch  uint64
	node   string
	bucket int
	seq    uint64
}

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{now: cfg.Now, buckets: max(cfg.Buckets, 1), fixed: cfg.FixedNames}
	if s.now == nil {
		s.now = time.Now
	}
	s.data = empty()
	return s
}

func empty() data {
	return data{
		generation: rand.Uint64() | 1, // never 0
		epochs:     map[int]epoch{},
		totals:     map[key]total{}, marks: map[mark]time.Time{}, nodes: map[string]node{}, cooling: map[string]int64{}, held: map[key]held{},
	}
}

// Bucket returns the bucket of a deployment.
func (s *Store) Bucket(id string) int { return syncer.BucketOf(id, s.buckets) }

// Exchange applies a batch; see [syncer.Store]. It fails only if ctx has ended
// before the call, and then it changes nothing.
func (s *Store) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
	*r = syncer.Reply{Totals: r.Totals[:0], Held: r.Held[:0], Refused: r.Refused[:0], Cooling: r.Cooling[:0], Members: r.Members[:0], Modes: r.Modes[:0]}
	r.StoreTime = now
	if s.fixed {
		b.Epoch, r.Generation = 0, s.data.generation
	} else {
		e := s.epoch(&b, now)
		r.Epoch, r.EpochBegan = e.number, e.began
	}
	if b.Next != 0 {
		return nil
	}
	m := mark{b.Epoch, b.Node, b.Bucket, b.Seq}
	if b.Seq > 1 {
		before := m
		before.seq--
		r.PrevMissing = !s.marked(before, now)
	}
	if b.Seq != 0 {
		again := s.marked(m, now)
		s.data.marks[m] = now.Add(ttl)
		if again {
			r.Duplicate = true
			return nil
		}
	}
	s.data.nodes[b.Node] = node{now.Add(nodeTTL), b.Modes}
	for i, d := range b.Deltas {
		s.add(&b, d, b.Of(i), now, r)
	}
	for i, t := range b.Reads {
		k := keyOf(b.Epoch, t)
		r.Totals = append(r.Totals, s.data.totals[k].tally(k, b.Of(len(b.Deltas)+i)))
	}
	s.hold(&b, now, r)
	s.replyCooling(b.Bucket, now, r)
	for name, n := range s.data.nodes {
		if n.until.After(now) {
			r.Nodes++
			r.Members, r.Modes = append(r.Members, name), append(r.Modes, n.modes)
		}
	}
	return nil
}

// epoch returns the bucket's epoch after a batch, and begins one if the bucket
// has none or the batch asks for it.
func (s *Store) epoch(b *syncer.Batch, now time.Time) epoch {
	e, ok := s.data.epochs[b.Bucket]
	switch {
	case !ok:
		e = epoch{syncer.NewEpoch(b.Epoch, now), now}
	case b.Next != 0 && b.Epoch == e.number:
		e = epoch{b.Next, now}
	}
	s.data.epochs[b.Bucket] = e
	return e
}

func (s *Store) marked(m mark, now time.Time) bool {
	until, ok := s.data.marks[m]
	return ok && until.After(now)
}

// add applies a delta, each count on its own. It refuses a count that would
// overflow.
func (s *Store) add(b *syncer.Batch, d window.Tally, counts syncer.Counts, now time.Time, r *syncer.Reply) {
	k := keyOf(b.Epoch, d)
	t, ok := s.data.totals[k]
	if !ok {
		t.until = expiry(d, now)
	}
	refused := k.tally()
	t.requests, refused.Requests = sum(t.requests, d.Requests)
	t.tokens, refused.Tokens = sum(t.tokens, d.Tokens)
	t.input, refused.Input = sum(t.input, d.Input)
	t.output, refused.Output = sum(t.output, d.Output)
	if ok || d.Requests|d.Tokens|d.Input|d.Output != 0 {
		s.data.totals[k] = t
	}
	if refused != k.tally() {
		r.Refused = append(r.Refused, refused)
	}
	r.Totals = append(r.Totals, t.tally(k, counts))
	if now := now.UnixMilli(); d.CoolUntil > now {
		s.data.cooling[d.ID] = max(s.data.cooling[d.ID], min(d.CoolUntil, now+syncer.MaxCooldown))
	}
}

// hold fixes and reports the counts that are held by escrow, for the windows of which a
// batch asks. A store with fixed names has no epochs, so it holds nothing by escrow.
func (s *Store) hold(b *syncer.Batch, now time.Time, r *syncer.Reply) {
	if s.fixed {
		return
	}
	for i, t := range r.Totals {
		wants := b.Wants(i)
		if wants == 0 {
			r.Held = append(r.Held, 0)
			continue
		}
		k := keyOf(b.Epoch, t)
		h, ok := s.data.held[k]
		if !ok && wants.Known() {
			h = held{wants, expiry(t, now)}
			s.data.held[k] = h
		}
		r.Held = append(r.Held, h.counts)
	}
}

// expiry returns when a total that is first changed now expires.
func expiry(d window.Tally, now time.Time) time.Time {
	if !d.Kind.Long() {
		return now.Add(ttl)
	}
	_, end := d.Kind.Span(d.Start)
	return time.Unix(end, 0).Add(dayTTL)
}

// replyCooling adds the bucket's cooldowns and reported limits to the reply.
func (s *Store) replyCooling(bucket int, now time.Time, r *syncer.Reply) {
	cooldowns, limits := 0, 0
	for _, id := range slices.SortedFunc(maps.Keys(s.data.cooling), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.data.cooling[a], s.data.cooling[b]), cmp.Compare(a, b))
	}) {
		until, n := s.data.cooling[id], &cooldowns
		if _, _, _, limit := window.CutLimitID(id); limit {
			n = &limits
		}
		if *n < syncer.MaxCooling && until > now.UnixMilli() && s.Bucket(id) == bucket {
			r.Cooling = append(r.Cooling, window.Tally{ID: id, CoolUntil: until})
			*n++
		}
	}
}

func sum(a, b int64) (total, refused int64) {
	if c := a + b; (c > a) == (b > 0) {
		return c, 0
	}
	return a, b
}

// expire removes expired data, at most once per sweep, so that the store's
// memory stays bounded.
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
	for k, h := range s.data.held {
		if !h.until.After(now) {
			delete(s.data.held, k)
		}
	}
	for m, until := range s.data.marks {
		if !until.After(now) {
			delete(s.data.marks, m)
		}
	}
	for name, n := range s.data.nodes {
		if !n.until.After(now) {
			delete(s.data.nodes, name)
		}
	}
	for id, until := range s.data.cooling {
		if until <= now.UnixMilli() {
			delete(s.data.cooling, id)
		}
	}
}
