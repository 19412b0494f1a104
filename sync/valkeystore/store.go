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

// defaultTimeout bounds an exchange whose context has no deadline, for a server
// that accepts connections and never replies.
const defaultTimeout = 2 * time.Second

// Store is a [syncer.Store] on Valkey. All methods are safe for concurrent use.
// Make one with [Open] or [New].
type Store struct {
	cfg     Config
	broken  error // the problem of the configuration, which every exchange returns
	link    link
	log     *slog.Logger
	buckets []*bucket
	calls   sync.Pool // of *call
	clock   atomic.Pointer[reading]
	said    sync.Map // problems that were logged, so that each is logged once
	checked atomic.Uint64

	refusals refusals // of extras
}

// reading is the server's time and the local time of the same moment.
type reading struct{ server, local time.Time }

// New returns a store on a client of the caller, which it neither closes nor
// replaces. The client must have DisableRetry and no ConnLifetime: with a
// lifetime, valkey-go sends an increment again by itself. [Dial] returns such a
// client.
//
// If the configuration is invalid, or does not suit the client, every exchange returns the
// error. [Config.Validate] reports an invalid configuration before.
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

// Close closes the connections of a store made by [Open]. It waits up to about
// two seconds for replies that are due. Later exchanges fail. For a store made
// by [New] it does nothing.
func (s *Store) Close() { s.link.close() }

// Bucket returns the bucket of a deployment.
func (s *Store) Bucket(id string) int { return syncer.BucketOf(id, s.cfg.Buckets) }

// Exchange applies a batch; see [syncer.Store]. If ctx has no deadline, it waits
// at most 2 s. An error contains the server's reason and no secret.
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
		return fmt.Errorf("bucket %d is not from 0 to %d", batch.Bucket, len(s.buckets)-1)
	case len(batch.Deltas)+len(batch.Reads) > maxTallies:
		return fmt.Errorf("a batch of %d deltas and reads is larger than %d", len(batch.Deltas)+len(batch.Reads), maxTallies)
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
		call.build(conn.B(), b, batch, s.refusals.lacking(began), began) // built exactly as an earlier attempt
		b.settle(call, batch, r, began)
		r.Nodes = s.nodes(began)
		return nil
	}
	var results []valkey.ValkeyResult
	for range 1 + extraCount { // each extra is refused at most once
		call.build(conn.B(), b, batch, s.refusals.lacking(began), began)
		results = conn.DoMulti(ctx, call.cmds...)
		if err := transport(results); err != nil {
			b.doubt()
			return err // call is not reused, because its commands may still be written
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

// nodes returns the number of live nodes: the largest of all buckets.
func (s *Store) nodes(now time.Time) int {
	most := 0
	for _, b := range s.buckets {
		most = max(most, b.alive(now))
	}
	return most
}

// refused logs that the server does not change a counter, and reads its value, so
// that the reply's totals are complete.
func (s *Store) refused(ctx context.Context, conn valkey.CoreClient, b *bucket, batch *syncer.Batch, r *syncer.Reply) {
	var t text
	head := b.named(&t, batch.Epoch)
	var keys []string
	var into []*int64 // the fields of their totals
	at := 0
	for i := range r.Refused {
		d := &r.Refused[i]
		for at < len(batch.Deltas)-1 && blank(&r.Totals[at]) != blank(d) {
			at++ // Refused is in the order of Deltas
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
		s.log.Warn("the server refuses to change a counter: the key has another type, is no number or is full; delete it; its counts are dropped", "id", r.Refused[0].ID, "key", keys[0])
	}
	got, err := conn.Do(ctx, conn.B().Mget().Key(keys...).Build()).ToArray()
	if err != nil || len(got) != len(keys) {
		return // the batch was applied; these totals stay 0
	}
	for i := range got {
		*into[i] = number(&got[i])
	}
}

// now returns the server's estimated time; zero before the first reply.
func (s *Store) now(local time.Time) time.Time {
	at := s.clock.Load()
	if at == nil {
		return time.Time{}
	}
	return at.server.Add(local.Sub(at.local))
}

// transport returns the error of a batch whose replies are incomplete.
func transport(results []valkey.ValkeyResult) error {
	for i := range results {
		if err := results[i].NonValkeyError(); err != nil {
			return err
		}
	}
	return nil
}

// first reports whether a problem occurs for the first time.
func (s *Store) first(what string) bool {
	_, said := s.said.LoadOrStore(what, true)
	return !said
}

// explain adds the remedy to errors whose text does not show the cause.
func explain(c client, err error) error {
	verr, ok := errors.AsType[*valkey.ValkeyError](err)
	if !ok || c.Mode() == valkey.ClientModeCluster {
		return err
	}
	if hasCode(verr, "MOVED") || hasCode(verr, "CROSSSLOT") {
		return fmt.Errorf("the server is part of a cluster: add the option cluster=true to its address: %w", err)
	}
	return err
}

// hasCode reports whether an error of the server has a code, directly or as the
// reason in another error's text.
func hasCode(err *valkey.ValkeyError, code string) bool {
	return strings.HasPrefix(err.Error(), code+" ") || strings.Contains(err.Error(), ": "+code+" ")
}
