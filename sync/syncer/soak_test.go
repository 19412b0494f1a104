package syncer_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

var soakLength = flag.Duration("soak.length", 0, "virtual time of TestSoak in each mode; 0 = 20 minutes")

// soakLimit is shared by the nodes of a soak, which are offered one and a half times that.
const soakLimit = 120

// soaker is what a soak plays with.
type soaker struct {
	*testing.T
	rand  *rand.Rand
	mode  syncer.Mode
	store *memstore.Store
	nodes []*node
	ways  []*storetest.Faulty
	stops []func()

	faulty        map[*storetest.Faulty]bool // its network loses messages
	left          bool                       // a node has left in this minute
	lossy         bool                       // the store was emptied in this minute, and a node could not add its part again in time
	minutes, over int                        // without the lossy ones
	worst, worstL int64                      // beyond the limit, in a minute; in a lossy one
	losses        int
}

func (s *soaker) start() {
	way := storetest.NewFaulty(s.store, s.rand.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
	n := newNode(s.T, way, engine.Limits{RPM: soakLimit}, syncer.Config{Mode: s.mode, Interval: time.Second, Away: syncer.Policies{Requests: syncer.Closed}})
	s.nodes, s.ways, s.stops = append(s.nodes, n), append(s.ways, way), append(s.stops, run(s.T, n))
}

// fault has the network, the store or a node misbehave, or ends that.
func (s *soaker) fault() {
	way := s.ways[s.rand.IntN(len(s.ways))]
	switch s.rand.IntN(6) {
	case 0:
		s.faulty[way] = true
		way.SetPlan(storetest.Plan{LoseRequest: 0.2, LoseReply: 0.2, Repeat: 0.2, Late: 0.05, Hang: 0.2, MinDelay: time.Millisecond, MaxDelay: 30 * time.Millisecond})
	case 1:
		s.faulty[way] = true
		way.SetDown(true)
	case 2:
		s.lossy = s.lossy || s.left || len(s.faulty) > 0
		s.store.Wipe()
	case 3: // one leaves, another joins
		s.left = true
		i := s.rand.IntN(len(s.nodes))
		s.ways[i].SetDown(false)
		s.ways[i].SetPlan(storetest.Plan{})
		delete(s.faulty, s.ways[i])
		time.Sleep(2 * time.Second) // an exchange under way may have lost its answer
		s.stops[i]()
		last := len(s.nodes) - 1
		s.nodes[i], s.ways[i], s.stops[i] = s.nodes[last], s.ways[last], s.stops[last]
		s.nodes, s.ways, s.stops = s.nodes[:last], s.ways[:last], s.stops[:last]
		s.start()
	default:
		s.mend()
	}
}

func (s *soaker) mend() {
	clear(s.faulty)
	for _, way := range s.ways {
		way.SetDown(false)
		way.SetPlan(storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
	}
}

// minute offers requests for a minute, with faults or without, and returns what was
// admitted. The last request has been answered when it ends.
func (s *soaker) minute(faults bool) (admitted int64) {
	var got atomic.Int64
	end := time.Now().Truncate(time.Minute).Add(time.Minute - 50*time.Millisecond)
	for time.Now().Before(end) {
		if faults && s.rand.IntN(20) == 0 {
			s.fault()
			if !time.Now().Before(end) {
				break // it took until the next minute
			}
		}
		n := s.nodes[s.rand.IntN(len(s.nodes))]
		go func() {
			if ok, _ := offer(n, 1); ok {
				got.Add(1)
			}
		}()
		time.Sleep(min(time.Duration(s.rand.ExpFloat64()*float64(time.Minute)/(1.5*soakLimit)), time.Until(end)))
	}
	time.Sleep(time.Until(end) + 49*time.Millisecond)
	return got.Load()
}

func (s *soaker) heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestSoak: ten nodes share a limit for a day (-soak.length=24h) of virtual time under
// random faults. In escrow mode no minute passes the limit, though the store is emptied and
// nodes leave and join, except where it is emptied while a node cannot reach it, or after one has
// left: what those had used is in no counter any more. After the faults of each ten minutes the store's books of a minute are what was
// admitted in it, in either mode. Memory does not grow.
func TestSoak(t *testing.T) {
	length := *soakLength
	if length == 0 {
		length = 20 * time.Minute
	}
	for _, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &soaker{T: t, rand: rand.New(rand.NewPCG(17, uint64(mode))), mode: mode, store: memstore.New(memstore.Config{}), faulty: map[*storetest.Faulty]bool{}}
				for range 10 {
					s.start()
				}
				rollover()
				var before uint64
				keys := 0
				for begun := time.Now(); time.Since(begun) < length; {
					for range 8 {
						s.count(s.minute(true))
						rollover()
					}
					s.mend()
					rollover() // old messages arrive or are lost, and nodes are back
					start, admitted := minute(), s.minute(false)
					s.count(admitted)
					require.Positive(t, admitted)
					time.Sleep(4 * time.Second)
					require.EqualValues(t, admitted, total(s.store, "a", start).Requests, "the books of a minute after faults")
					if totals, marks := s.store.Size(); before == 0 {
						before, keys = s.heap(), totals+marks
					} else {
						require.Less(t, totals+marks, 4*keys+1000)
					}
					rollover()
				}
				if after := s.heap(); length > time.Hour {
					require.Less(t, after, before+8<<20)
					t.Logf("heap %d KB after ten minutes, %d KB at the end", before>>10, after>>10)
				}
				t.Logf("%d minutes, %d beyond the limit, by %d of %d at most; %d more in which the store was emptied after a node had left or was cut off, by %d at most",
					s.minutes, s.over, s.worst, soakLimit, s.losses, s.worstL)
				if mode == syncer.Escrow {
					require.Zero(t, s.over)
					require.Less(t, s.worstL, int64(soakLimit))
				}
				for _, stop := range s.stops {
					stop()
				}
			})
		})
	}
}

func (s *soaker) count(admitted int64) {
	s.left = false
	over := admitted - soakLimit
	if s.lossy {
		s.lossy = false
		s.losses++
		s.worstL = max(s.worstL, over)
		return
	}
	s.minutes++
	if over > 0 {
		s.over++
		s.worst = max(s.worst, over)
	}
}
