package syncer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Syncer keeps a source in step with those of other nodes. Its methods are safe
// for concurrent use. Memory is bounded by the number of deployments, whatever
// fails.
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
	epoch       int64 // in which the last round was
	swept       int64 // when what is dead was last looked for
	running     bool

	nodes     int
	away      int           // buckets
	awaySince int64         // when the first of them went
	degraded  time.Duration // without the outage under way
	stats     Stats
	alarms    map[string]int64

	reports []window.Report
	shares  []window.Share
	ids     []string
}

// New returns a syncer for a source and a store, or every problem that
// [Config.Validate] finds. It does not use the store yet.
func New(src Source, store Store, cfg Config) (*Syncer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Syncer{
		src: src, store: store, cfg: cfg, clock: cfg.Clock, follower: follower{clock: cfg.Clock},
		deployments: map[string]*deployment{}, alarms: map[string]int64{},
	}
	s.started = s.clock.Read()
	s.bucket(0) // for heartbeats
	return s, nil
}

func (s *Syncer) log(level slog.Level, msg string, attrs ...slog.Attr) {
	s.cfg.Logger.LogAttrs(context.Background(), level, msg, attrs...)
}
