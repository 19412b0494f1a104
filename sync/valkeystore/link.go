package valkeystore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"
)

// client is a Valkey client and its serial number. Facts about the server of one
// client are not assumed for the next.
type client struct {
	valkey.Client
	id uint64
}

// A link returns the client to use, and receives the outcome of each exchange.
type link interface {
	get(ctx context.Context) (client, error)
	worked(c client, bucket int)
	failed(c client, bucket int, err error)
	close()
}

// given is the link of [New]: a client that belongs to the caller.
type given struct{ c client }

func (g given) get(context.Context) (client, error) { return g.c, nil }
func (given) worked(client, int)                    {}
func (given) failed(client, int, error)             {}
func (given) close()                                {}

const (
	failuresToRedial = 3
	firstWait        = 100 * time.Millisecond
	longestWait      = 2 * time.Second
)

var errClosed = errors.New("the store is closed")

// owned is the link of [Open]: it creates the clients itself. It creates the
// first when one is needed, and another when the current one has failed three
// times in a row or its server accepts no writes. The old client stays in use
// until the new one is connected.
type owned struct {
	dial func(context.Context) (valkey.Client, error)
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup // dials in progress, and clients that are being closed

	mu       sync.Mutex
	current  client
	made     uint64
	dialing  chan struct{} // closed when the dial in progress has ended; nil = there is none
	next     time.Time     // time of the earliest next dial
	wait     time.Duration // time between dials; it grows until an exchange succeeds
	lastErr  error
	failures map[int]int // failures in a row, by bucket
	closed   bool
}

func newOwned(dial func(context.Context) (valkey.Client, error)) *owned {
	ctx, stop := context.WithCancel(context.Background())
	return &owned{dial: dial, ctx: ctx, stop: stop, failures: map[int]int{}}
}

// get returns the client. It waits for the first one until ctx ends. While the
// server is away, it fails immediately between two attempts to connect.
func (o *owned) get(ctx context.Context) (client, error) {
	o.mu.Lock()
	if o.current.Client != nil || o.closed {
		defer o.mu.Unlock()
		return o.have()
	}
	if o.dialing == nil {
		if time.Now().Before(o.next) {
			defer o.mu.Unlock()
			return o.have()
		}
		o.start()
	}
	dialing := o.dialing
	o.mu.Unlock()
	select {
	case <-dialing:
	case <-ctx.Done():
		return client{}, fmt.Errorf("connecting: %w", ctx.Err())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.have()
}

// have returns the client or the last error. The caller holds the lock, as for
// start.
func (o *owned) have() (client, error) {
	switch {
	case o.closed:
		return client{}, errClosed
	case o.current.Client == nil:
		return client{}, fmt.Errorf("not connected: %w", o.lastErr)
	}
	return o.current, nil
}

func (o *owned) start() {
	done := make(chan struct{})
	o.dialing = done
	wait := min(max(2*o.wait, firstWait), longestWait)
	o.wait = wait
	o.work.Go(func() {
		c, err := o.dial(o.ctx)
		o.mu.Lock()
		defer o.mu.Unlock()
		defer close(done)
		o.dialing = nil
		o.next = time.Now().Add(wait/2 + rand.N(wait)/2)
		switch {
		case err != nil:
			o.lastErr = err
		case o.closed:
			o.retire(c)
		default:
			o.retire(o.current.Client)
			o.made++
			o.current = client{c, o.made}
			clear(o.failures)
		}
	})
}

// retire closes a client in the background: closing waits for replies, up to a
// second.
func (o *owned) retire(c valkey.Client) {
	if c != nil {
		o.work.Go(c.Close)
	}
}

func (o *owned) worked(c client, bucket int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.id == o.current.id {
		o.failures[bucket] = 0
		o.wait = 0
	}
}

func (o *owned) failed(c client, bucket int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.id != o.current.id || o.closed {
		return
	}
	o.failures[bucket]++
	if o.failures[bucket] < failuresToRedial && !readOnly(err) {
		return
	}
	if o.dialing == nil && !time.Now().Before(o.next) {
		o.start()
	}
}

// readOnly reports whether err shows that the server has become a replica. Its
// connections stay open, so that only a new client finds the primary.
func readOnly(err error) bool {
	verr, ok := errors.AsType[*valkey.ValkeyError](err)
	return ok && hasCode(verr, "READONLY")
}

// close closes the client, cancels dials, and returns when all of them have
// ended.
func (o *owned) close() {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		o.stop()
		o.retire(o.current.Client)
		o.current.Client = nil
	}
	o.mu.Unlock()
	o.work.Wait()
}
