package otlp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// maxBatch is how many spans a post carries.
const maxBatch = 512

// Exporter sends spans. Its methods are safe for concurrent use.
type Exporter struct {
	cfg     Config
	queue   chan *span
	client  *http.Client
	sent    atomic.Int64
	dropped atomic.Int64
	failing bool // Run's
}

// New returns an exporter, which sends while Run runs.
func New(cfg Config) *Exporter {
	cfg.Service = cmp.Or(cfg.Service, defaultService)
	cfg.Queue = cmp.Or(cfg.Queue, defaultQueue)
	cfg.Every = cmp.Or(cfg.Every, time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Exporter{cfg: cfg, queue: make(chan *span, cfg.Queue), client: &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1},
		// A post is not to follow a redirect to somewhere else with its headers.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Stats returns how many spans were taken by the collector, and how many were
// not told: because too many waited, or the collector did not take them.
func (e *Exporter) Stats() (sent, dropped int64) { return e.sent.Load(), e.dropped.Load() }

// send puts a span in the queue, if there is room.
func (e *Exporter) send(s *span) {
	select {
	case e.queue <- s:
	default:
		e.dropped.Add(1)
	}
}

// Run sends spans until ctx ends, then what is in the queue. A nil exporter has
// none.
func (e *Exporter) Run(ctx context.Context) {
	if e == nil {
		return
	}
	defer e.client.CloseIdleConnections()
	tick := time.NewTicker(e.cfg.Every)
	defer tick.Stop()
	batch := make([]*span, 0, maxBatch)
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Timeout)
			defer cancel()
			for len(e.queue) > 0 || len(batch) > 0 {
				for len(batch) < maxBatch && len(e.queue) > 0 {
					batch = append(batch, <-e.queue)
				}
				batch = e.post(last, batch)
			}
			return
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) == maxBatch {
				batch = e.post(ctx, batch)
			}
		case <-tick.C:
			batch = e.post(ctx, batch)
		}
	}
}

// post sends a batch, once, and returns it emptied. A collector that does not take
// it is told of once.
func (e *Exporter) post(ctx context.Context, batch []*span) []*span {
	if len(batch) == 0 {
		return batch
	}
	err := e.try(ctx, batch)
	if err == nil {
		e.sent.Add(int64(len(batch)))
	} else {
		e.dropped.Add(int64(len(batch)))
		if !e.failing {
			e.cfg.Log.Warn("traces are dropped: the collector does not take them", "error", err.Error())
		}
	}
	e.failing = err != nil
	clear(batch)
	return batch[:0]
}

func (e *Exporter) try(ctx context.Context, batch []*span) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	body, err := json.Marshal(e.message(batch))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("its address cannot be used")
	}
	maps.Copy(r.Header, e.cfg.Headers)
	r.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(r)
	if err != nil {
		return unaddressed(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is kept
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %d", resp.StatusCode)
	}
	return nil
}

// unaddressed takes the address out of an error, which may hold a password.
func unaddressed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
