package syncer

import (
	"errors"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Syncer keeps a source in step with the sources of other nodes. Its methods are safe for
// concurrent use. Memory is bounded by the number of deployments, whatever fails.
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
	swept       int64 // when what is dead was last looked for
	running     bool
	closed      bool  // by New, without a Lister
	vouched     int64 // until when what the source has received is valid, Unix ns; 0 = nothing was passed on

	nodes     int
	members   []string      // their names, as last known
	unaware   int           // of them, nodes of a version without modes
	outdated  int           // nodes alive that share by counters of an older format
	away      int           // buckets
	awaySince int64         // when the first of them went
	degraded  time.Duration // without the outage under way
	stats     Stats
	alarms    map[string]int64 // when something last happened, by kind

	reserver    Reserver // nil: nothing is held by escrow
	nothingHeld bool     // and nothing can be: the store has no epochs
	wants       []window.Want
	waiting     []*deployment // that had a want when it was last asked
	lowered     bool          // a ceiling was lowered, and the source has not absorbed it
	partial     chan struct{} // a grant was smaller than what was asked for
	leaving     bool          // Run is about to return

	cooling []*deployment          // that the source reports as cooling down
	todays  [window.Kinds]struct { // by kind: when the day that holds an epoch begins
		epoch, start int64
	}

	windows []*usage
	reports []window.Report
	shares  []window.Share
	opens   []window.Share // of windows that need no grant
	ids     []string
}

var errReserver = errors.New("syncer: Config.Mode: escrow and auto need a source that is a Reserver, as an engine is")

// New returns a syncer for a source and a store, or every problem that
// [Config.Validate] finds. It does not use the store yet. A source that is a [Lister]
// admits nothing under its limits from then on, until the first exchange or, if the
// store does not answer, until [Config.Away] decides.
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

// quiet is how long something must not have happened before it is news again.
const quiet = time.Minute

// news reports whether something of a kind that may go on happening is worth a
// line in the log.
func (s *Syncer) news(kind string, now int64) bool {
	last, ok := s.alarms[kind]
	s.alarms[kind] = now
	return !ok || time.Duration(now-last) >= quiet
}
