package memstore

import (
	"maps"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Total returns all nodes' usage of a deployment in the minute that begins at
// start (Unix seconds), in the current epoch. It is zero if the store has none.
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

// Size returns the number of totals and of batch markers that the store holds.
func (s *Store) Size() (totals, marks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.data.totals), len(s.data.marks)
}

// Wipe empties the store, like a server that restarts without its data.
func (s *Store) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = empty()
}

// Evict removes a deployment's total of the minute that begins at start (Unix
// seconds), like a server short of memory.
func (s *Store) Evict(id string, start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data.totals, s.key(window.KindMinute, id, start))
}

// DropEpochs removes the epochs of all buckets and nothing else, like a server whose epoch
// keys were deleted.
func (s *Store) DropEpochs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.data.epochs)
	s.data.generation = empty().generation
}

// key returns the key of a counter in the current epoch.
func (s *Store) key(kind window.Kind, id string, start int64) key {
	if s.fixed {
		return key{0, kind, id, start}
	}
	return key{s.data.epochs[s.Bucket(id)].number, kind, id, start}
}

// Snapshot is a copy of a store's data. The zero value must not be loaded.
type Snapshot struct{ data data }

// Save returns a copy of the store's data.
func (s *Store) Save() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{s.data.clone()}
}

// Load restores a snapshot. Later writes are lost, as after a failover to a
// replica that was behind.
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
