package valkeystore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// defaultTimeout bounds an exchange whose context has no deadline: a server that
// accepts and never answers would hold it for ever.
const defaultTimeout = 2 * time.Second

// Store is a [syncer.Store] on Valkey. All methods are safe for concurrent use.
type Store struct {
	cfg     Config
	broken  error // what is wrong with the configuration; every exchange returns it
	link    link
	log     *slog.Logger
	buckets []*bucket
	calls   sync.Pool // of *call
	clock   atomic.Pointer[reading]
	said    sync.Map // what was logged, so that it is logged once
	checked atomic.Uint64

	refusals refusals // of extras
}

// reading is the server's clock beside ours.
type reading struct{ server, local time.Time }

// New returns a store on a client of the caller's, which it neither closes nor
// replaces. Make that client with DisableRetry and without ConnLifetime: with a
// lifetime valkey-go sends an increment again by itself.
//
// A configuration that is wrong, or does not suit the client, shows as the error of every
// exchange; [Config.Validate] reports it before.
func New(c valkey.Client, cfg Config) *Store {
	cluster := c.Mode() == valkey.ClientModeCluster
	return newStore(given{client{c, 1}}, cfg, cluster)
}

func newStore(l link, cfg Config, cluster bool) *Store {
	s := &Store{link: l, broken: cfg.validate(cluster)}
	if s.broken != nil {
		cfg.Buckets = 1
	}
	s.cfg = cfg.withDefaults(cluster)
	s.log = s.cfg.Logger
	s.calls.New = func() any { return new(call) }
	for i := range s.cfg.Buckets {
		s.buckets = append(s.buckets, newBucket(i, s.cfg))
	}
	return s
}

// Close ends what [Open] began, waiting at most about two seconds for replies
// that are due. Exchanges then fail. A store made by [New] has nothing to end.
func (s *Store) Close() { s.link.close() }

// Bucket returns which batch a deployment travels in.
func (s *Store) Bucket(id string) int { return syncer.BucketOf(id, s.cfg.Buckets) }

// Exchange applies a batch; see [syncer.Store]. Give ctx a deadline: without one
// it waits 2 s at most. An error names the server's reason and no secret.
func (s *Store) Exchange(ctx context.Context, batch syncer.Batch, r *syncer.Reply) error {
	if err := s.exchange(ctx, &batch, r); err != nil {
		return fmt.Errorf("valkeystore: bucket %d: %w", batch.Bucket, err)
	}
	return nil
}

func (s *Store) exchange(ctx context.Context, batch *syncer.Batch, r *syncer.Reply) error {
	switch {
	case s.broken != nil:
		return s.broken
	case batch.Bucket < 0 || batch.Bucket >= len(s.buckets):
		return fmt.Errorf("there are buckets 0 to %d", len(s.buckets)-1)
	case len(batch.Deltas)+len(batch.Reads) > maxTallies:
		return fmt.Errorf("%d deltas and reads in one batch, at most %d", len(batch.Deltas)+len(batch.Reads), maxTallies)
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	c, err := s.link.get(ctx)
	if err != nil {
		return err
	}
	b := s.buckets[batch.Bucket]
	if err := s.attempt(ctx, c, b, batch, r); err != nil {
		s.link.failed(c, b.number, err)
		return explain(c, err)
	}
	s.link.worked(c, b.number)
	s.checkEviction(ctx, c)
	return nil
}

func (s *Store) attempt(ctx context.Context, c client, b *bucket, batch *syncer.Batch, r *syncer.Reply) error {
	conn, release := dedicate(c)
	defer release()
	call := s.calls.Get().(*call)
	applied, err := s.probe(ctx, c, b, conn, call, batch, r)
	if err != nil {
		return err
	}
	began := time.Now()
	call.now = s.now(began)
	if applied {
		defer s.calls.Put(call)
		call.build(conn.B(), b, batch, s.refusals.lacking(began), began) // what an earlier attempt has sent
		b.settle(call, batch, r, began)
		r.Nodes = s.nodes(began)
		return nil
	}
	var results []valkey.ValkeyResult
	for range 1 + extraCount { // each is found missing once at most
		call.build(conn.B(), b, batch, s.refusals.lacking(began), began)
		results = conn.DoMulti(ctx, call.cmds...)
		if err := transport(results); err != nil {
			b.doubt()
			return err // call is not reused: its commands may still be written
		}
		if !s.refusedExtras(call, results, began) {
			break
		}
	}
	defer s.calls.Put(call)
	b.distrust(ctx, conn, call, results)
	if err := call.read(b, results, batch, r); err != nil {
		return err
	}
	if !r.StoreTime.IsZero() {
		s.clock.Store(&reading{r.StoreTime, time.Now()})
	}
	b.settle(call, batch, r, began)
	s.cooldownsOf(ctx, conn, b, call, r, began)
	s.reportOthers(call)
	if r.Nodes = s.nodes(began); len(r.Refused) > 0 {
		s.refused(ctx, conn, b, batch, r)
	}
	return nil
}

// nodes is how many are alive: as many as the busiest bucket has seen.
func (s *Store) nodes(now time.Time) int {
	most := 0
	for _, b := range s.buckets {
		most = max(most, b.alive(now))
	}
	return most
}

// refused says that the server does not take a key, and reads what is in it, so
// that the totals are whole.
func (s *Store) refused(ctx context.Context, conn valkey.CoreClient, b *bucket, batch *syncer.Batch, r *syncer.Reply) {
	var t text
	head := b.named(&t, batch.Epoch)
	var keys []string
	var into []*int64 // where their totals belong
	at := 0
	for i := range r.Refused {
		d := &r.Refused[i]
		for at < len(batch.Deltas)-1 && blank(&r.Totals[at]) != blank(d) {
			at++ // Refused has the order of Deltas
		}
		for _, k := range counterKinds {
			if *field(d, k) != 0 {
				b.names.name(&t, head, counter{d.ID, d.Kind, d.Start, k})
				keys, into = append(keys, t.cut()), append(into, field(&r.Totals[at], k))
			}
		}
		at = min(at+1, len(batch.Deltas)-1)
	}
	if s.first("refused") {
		s.log.Warn("the server refuses to count in a key: it has another type, is no number or is full; its counts are dropped", "id", r.Refused[0].ID, "key", keys[0])
	}
	got, err := conn.Do(ctx, conn.B().Mget().Key(keys...).Build()).ToArray()
	if err != nil || len(got) != len(keys) {
		return // the batch has been applied; these totals stay as they are
	}
	for i := range got {
		*into[i] = number(&got[i])
	}
}

// now estimates the server's clock; zero before the first reply.
func (s *Store) now(local time.Time) time.Time {
	at := s.clock.Load()
	if at == nil {
		return time.Time{}
	}
	return at.server.Add(local.Sub(at.local))
}

// transport returns the error of a batch that did not come back whole.
func transport(results []valkey.ValkeyResult) error {
	for i := range results {
		if err := results[i].NonValkeyError(); err != nil {
			return err
		}
	}
	return nil
}

// first reports whether something that an operator should mend is seen for the
// first time.
func (s *Store) first(what string) bool {
	_, said := s.said.LoadOrStore(what, true)
	return !said
}

// explain adds to errors whose cause is elsewhere than they say.
func explain(c client, err error) error {
	verr, ok := errors.AsType[*valkey.ValkeyError](err)
	if !ok || c.Mode() == valkey.ClientModeCluster {
		return err
	}
	if hasCode(verr, "MOVED") || hasCode(verr, "CROSSSLOT") {
		return fmt.Errorf("the server is part of a cluster, say cluster=true in its address: %w", err)
	}
	return err
}

// hasCode reports whether an error is of one of the server's classes, also where
// another names it as its reason.
func hasCode(err *valkey.ValkeyError, code string) bool {
	return strings.HasPrefix(err.Error(), code+" ") || strings.Contains(err.Error(), ": "+code+" ")
}
