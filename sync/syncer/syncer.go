package syncer

import (
	"errors"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Syncer exchanges a source's usage with the sources of other nodes. Its methods are safe for
// concurrent use. Its memory is bounded by the number of deployments, whatever fails.
type Syncer struct {
	src      Source
	store    Store
	cfg      Config
	clock    *window.Clock
	follower follower // under mu

	mu          sync.Mutex // never held during an exchange
	buckets     []*bucket
	deployments map[string]*deployment
	started     int64
	swept       int64 // when dead windows were last swept, Unix nanoseconds
	running     bool
	closed      bool  // New has closed the source as a whole, because it is no Lister
	vouched     int64 // when the validity of the source's shares ends, Unix nanoseconds; 0 = none was passed

	nodes      int
	members    []string // names of the nodes, by the last reply that had them
	unaware    int      // how many members are of a version without modes
	otherModes otherModes
	outdated   int           // live nodes that use counters of an older format
	away       int           // number of buckets whose store is away
	awaySince  int64         // when the first of them went away
	degraded   time.Duration // total length of past outages
	stats      Stats
	alarms     map[string]int64 // when news last logged or suppressed an event, by kind

	reserver    Reserver // the source; nil = no limit is held by escrow
	nothingHeld bool     // no limit can be held by escrow: the store has no epochs
	wants       []window.Want
	waiting     []*deployment // deployments with a want at the last call of Want
	lowered     bool          // a ceiling was lowered, and the source has not absorbed it
	partial     chan struct{} // receives when a grant was smaller than its ask
	leaving     bool          // Run is about to return

	cooling []*deployment          // deployments that the source reports as cooling down
	todays  [window.Kinds]struct { // by kind: the start of the window that contains epoch, for today
		epoch, start int64
	}

	windows []*usage
	reports []window.Report
	shares  []window.Share
	opens   []window.Share // shares of usageOfGrants and closeGrants
	ids     []string
}

var errReserver = errors.New("syncer: Config.Mode: escrow and auto need a source that is a Reserver, as an engine is")

// New returns a syncer for a source and a store. It returns an error if [Config.Validate]
// does, or if cfg needs a [Reserver] and src is none. It does not use the store yet. From
// then on the source admits nothing under its limits, until the first exchange or, if the
// store does not reply, until [Config.Away] decides.
func New(src Source, store Store, cfg Config) (*Syncer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if _, ok := src.(Reserver); !ok && (cfg.Mode != Usage || cfg.Modes != nil) {
		return nil, errReserver
	}
	s := &Syncer{
		src: src, store: store, cfg: cfg, clock: cfg.Clock, follower: follower{clock: cfg.Clock},
		deployments: map[string]*deployment{}, alarms: map[string]int64{}, partial: make(chan struct{}, 1),
	}
	s.started = s.clock.Read()
	s.bucket(0) // for heartbeats
	if cfg.Mode != Usage {
		s.reserves()
	}
	s.close()
	return s, nil
}

// quiet is how long an event must not have occurred before it is logged again.
const quiet = time.Minute

// news records an event of a kind that may be frequent, and reports whether to log it.
func (s *Syncer) news(kind string, now int64) bool {
	last, ok := s.alarms[kind]
	s.alarms[kind] = now
	return !ok || time.Duration(now-last) >= quiet
}
