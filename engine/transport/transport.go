package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

const (
	// HeaderGroup in an answer is the name of the group that was chosen from, written
	// as HeaderDeployment is.
	HeaderGroup = "X-Plimsoll-Group"
	// HeaderDeployment in an answer is the ID of the deployment that gave it. What
	// is no printable ASCII, quotes and backslashes are escaped as in a Go text.
	HeaderDeployment = "X-Plimsoll-Deployment"
	// HeaderAttempts in an answer is how many deployments the request was sent to.
	HeaderAttempts = "X-Plimsoll-Attempts"
)

// Transport is an [http.RoundTripper] that sends requests where an engine says.
// Make one with [New]; it is safe for concurrent use. It starts no goroutine that
// outlives a request.
type Transport struct {
	engine      *engine.Engine
	base        http.RoundTripper
	counter     func(group string) estimate.Counter
	adjust      func(*http.Request, *Admission) error
	refused     func(*http.Request, *engine.LimitError, http.Header)
	client      func(*http.Request) string
	maxBody     int64
	maxAttempts int
	times       Timeouts
	holdTime    time.Duration
	holdBytes   int64
	done        func(Attempt)
	places      atomic.Pointer[places]
	applying    sync.Mutex
}

// New returns a Transport, or every problem of the configuration, each with the
// name of its field.
func New(cfg Config) (*Transport, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	t := &Transport{
		engine: cfg.Engine, base: cfg.Base, counter: cfg.Counter, adjust: cfg.Adjust, refused: cfg.Refused,
		maxBody: cmp.Or(cfg.MaxBody, defaultMaxBody), maxAttempts: cmp.Or(cfg.MaxAttempts, defaultMaxAttempts), done: cfg.Done,
		client: cfg.Client, times: cfg.Timeouts.or(defaultTimeouts), holdTime: cmp.Or(cfg.HoldTime, defaultHoldTime), holdBytes: cmp.Or(cfg.HoldBytes, defaultHoldBytes),
	}
	if t.base == nil {
		t.base = newBase()
	}
	t.places.Store(t.newPlaces(cfg.Endpoints))
	return t, nil
}

// newBase returns what sends requests by default. How long an answer may take to begin
// is bound for each attempt ([Timeouts]); pings find an HTTP/2 connection that is dead.
func newBase() *http.Transport {
	dialer := &net.Dialer{
		Timeout: 2 * defaultConnect, Control: boundUnacknowledged,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: pingAfter, Interval: pingWait, Count: 2},
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait},
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   2 * defaultConnect,
		ExpectContinueTimeout: time.Second,
	}
}

// Apply replaces the endpoints; requests under way go on with theirs. Call it
// after [engine.Engine.Apply] where deployments are added, removed or moved: until
// then a deployment without an endpoint is passed over, and a group that had none is
// not served. It fails as New does, and then changes nothing.
func (t *Transport) Apply(endpoints map[string]Endpoint) error {
	if err := errors.Join(validateEndpoints(t.engine, endpoints)...); err != nil {
		return err
	}
	t.applying.Lock()
	defer t.applying.Unlock()
	t.places.Store(t.newPlaces(endpoints))
	return nil
}

// CloseIdleConnections closes those of the Base, if it can.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper]. It does not change the request. It returns an
// error only if there is nothing to answer with: no deployment could be reached, a credential
// could not be read, the request's body broke off, or its context ended. The
// caller must read the answer to its end or close it.
func (t *Transport) RoundTrip(in *http.Request) (*http.Response, error) {
	q, no, err := t.read(in)
	defer q.memory.release()
	if err != nil || no != nil {
		closeBody(in)
		if err != nil {
			return nil, fmt.Errorf("transport: reading the request: %w", err)
		}
		return t.answer(no, in, q), nil
	}
	closeBody(in)
	resp, no, err := t.serve(in, q)
	if no != nil {
		return t.answer(no, in, q), nil
	}
	return resp, err
}

// serve sends a request to one deployment after the other, and to one group after the
// other.
func (t *Transport) serve(in *http.Request, q *request) (*http.Response, *refusal, error) {
	t.estimate(q)
	asked, estimated := q.group, q.demand.InputTokens
	if no := t.adjusted(in, q); no != nil {
		return nil, no, nil
	}
	if q.group != asked && q.demand.InputTokens == estimated {
		t.estimate(q)
	}
	if q.group == "" {
		return nil, invalidModel(), nil
	}
	group, wild, ok := t.groupOf(q.group)
	if !ok {
		return nil, unknownGroup(q.group), nil
	}
	q.wild = wild
	out := t.inGroup(in, q, group)
	if out.failed && (len(q.fallbacks) > 0 || out.large && len(q.larger) > 0) {
		out = t.fallBack(in, q, out)
	}
	return out.resp, out.no, out.err
}

// acquire reserves on a deployment that has an endpoint and understands the
// request. Others are passed over.
func (t *Transport) acquire(ctx context.Context, group *engine.Group, q *request) (*call, error) {
	at := t.places.Load()
	for {
		c := &call{t: t, group: group, usage: noUsage, input: q.demand.InputTokens}
		var err error
		if err = q.reserve(ctx, group, &c.lease); err != nil {
			return nil, err
		}
		c.ref = c.lease.Ref()
		p := at.of[c.ref.ID()]
		if fits := p != nil && q.op.servedBy(p.API); !fits || q.large != nil && !p.larger(q.large) {
			c.lease.Release()
			if !fits {
				q.passed++
			}
			q.demand.Exclude = append(q.demand.Exclude, c.ref)
			continue
		}
		c.place, c.kind, c.estimated = p, q.prompt.kind, q.prompt.on(p)
		c.expected = max(c.lease.Reserved()-q.demand.InputTokens, 0)
		c.report = Attempt{Context: ctx, Group: group.Name(), Deployment: p.id, Reserved: c.lease.Reserved()}
		return c, nil
	}
}
