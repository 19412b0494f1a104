package memstore

import (
	"maps"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Total returns what all nodes have used of a deployment in the minute that
// begins at start (Unix seconds); zero if nothing is known of it.
func (s *Store) Total(id string, start int64) window.Tally {
	return s.TotalOf(window.KindMinute, id, start)
}

// TotalOf is Total for a window of any kind.
func (s *Store) TotalOf(kind window.Kind, id string, start int64) window.Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(kind, id, start)
	return s.data.totals[k].tally(k, ^syncer.Counts(0))
}

// Size returns how many totals and how many markers of batches the store holds.
func (s *Store) Size() (totals, marks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.data.totals), len(s.data.marks)
}

// Wipe empties the store, as a server does that comes back without its data.
func (s *Store) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = empty()
}

// Evict forgets the total of a minute, as a server short of memory does.
func (s *Store) Evict(id string, start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data.totals, s.key(window.KindMinute, id, start))
}

// DropEpochs forgets which epochs the buckets are in, and nothing else: like a server whose
// epoch keys were deleted.
func (s *Store) DropEpochs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.data.epochs)
	s.data.generation = empty().generation
}

// key returns the key of a counter that is read now.
func (s *Store) key(kind window.Kind, id string, start int64) key {
	if s.fixed {
		return key{0, kind, id, start}
	}
	return key{s.data.epochs[s.Bucket(id)].number, kind, id, start}
}

// Snapshot is what a store held at one moment.
type Snapshot struct{ data data }

// Save returns what the store holds now.
func (s *Store) Save() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{s.data.clone()}
}

// Load goes back to a snapshot: what was written since is lost, as after a
// failover to a replica that was behind.
func (s *Store) Load(from Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = from.data.clone()
}

func (d data) clone() data {
	d.totals, d.marks = maps.Clone(d.totals), maps.Clone(d.marks)
	d.nodes, d.cooling, d.epochs = maps.Clone(d.nodes), maps.Clone(d.cooling), maps.Clone(d.epochs)
	d.held = maps.Clone(d.held)
	return d
}
