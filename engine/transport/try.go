package transport

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// attempt sends the request to one deployment. It returns the answer for the
// client, or an outcome after which another may be tried.
func (t *Transport) attempt(in *http.Request, q *request, c *call) (*http.Response, *outcome) {
	g := newGuard(in.Context(), c.place.times, q.stream)
	g.onByte = func(after time.Duration) { c.place.health.answered(q.stream, after) }
	g.onGone = func(after time.Duration) {
		if s, counts := c.place.health.gaveUp(t.clientOf(in), q.stream, after); counts {
			c.ref.Observe(s, engine.Mark{})
		}
	}
	out, key, err := q.outgoing(g.ctx, in, c.place, &c.sent)
	if err != nil {
		g.end()
		c.observe(provider.Signal{Kind: provider.Other})
		c.unsent(err)
		return nil, c.outcome(nil, err, provider.Signal{Kind: provider.Other})
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		err = g.why(err)
		g.end()
		return nil, c.lost(in, nil, err)
	}
	if err := unusable(resp.StatusCode); err != nil {
		g.end()
		_ = resp.Body.Close()
		c.report.Status = resp.StatusCode
		c.observe(provider.Signal{Kind: provider.Other})
		c.astray(err)
		return nil, c.outcome(nil, err, provider.Signal{Kind: provider.Other})
	}
	c.receive(in, q, resp, g, key)
	if resp.StatusCode >= http.StatusBadRequest {
		return c.refusedBy(resp, c.signal(peek(resp, g)))
	}
	switch v, failure, err := t.hold(in.Context(), resp, q); {
	case in.Context().Err() != nil && v != content:
		_ = resp.Body.Close()
		return nil, c.lost(in, nil, in.Context().Err())
	case v == failed:
		s := c.signal(failure)
		if s.Kind == provider.Fine {
			s = provider.Signal{Kind: provider.Other, Worked: true}
		}
		return c.refusedBy(resp, s)
	case v == empty && err != nil:
		_ = resp.Body.Close()
		return nil, c.lost(in, nil, err)
	case v == empty:
		return nil, c.lost(in, resp, errEmpty)
	}
	if q.stream {
		c.report.FirstToken = time.Since(g.start)
	}
	c.place.health.serves()
	t.follow(in.Context(), resp, q, c)
	c.observe(c.signal(nil))
	return resp, nil
}

// receive makes an answer the call's: it names who gave it, and neither shows nor
// repeats the deployment's credential.
func (c *call) receive(in *http.Request, q *request, resp *http.Response, g *guard, key string) {
	resp.Request = in // not the one that carries the credential
	resp.Header = resp.Header.Clone()
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	resp.Body = &guarded{src: resp.Body, guard: g}
	blank(resp, key)
	c.header, c.report.Status = resp.Header, resp.StatusCode
	own := [...]string{headerText(q.name), headerText(c.place.id), strconv.Itoa(c.report.Number)} // one piece of memory
	for i, name := range [...]string{HeaderGroup, HeaderDeployment, HeaderAttempts} {
		resp.Header[name] = own[i : i+1 : i+1]
	}
}

// refusedBy ends a call that the provider answered with an error. One that is the
// request's fault is the client's answer; after any other another deployment may be
// tried.
func (c *call) refusedBy(resp *http.Response, s provider.Signal) (*http.Response, *outcome) {
	c.observe(s)
	if s.Worked {
		c.place.health.fails()
		c.close(c.keep)
	} else {
		c.refuse()
	}
	if s.Kind == provider.Rejected {
		return resp, nil
	}
	return nil, c.outcome(resp, nil, s)
}

// lost ends a call that nothing of an answer came of: after an error, or with an answer
// that is empty. Where the client is gone that says nothing of the deployment.
func (c *call) lost(in *http.Request, resp *http.Response, err error) *outcome {
	s := provider.Signal{Kind: provider.Other, Worked: c.sent.Load()}
	if in.Context().Err() == nil {
		c.observe(s)
		c.place.health.fails()
	}
	c.fail(err)
	if resp != nil {
		err = nil
	}
	return c.outcome(resp, err, s)
}

func (c *call) outcome(resp *http.Response, err error, s provider.Signal) *outcome {
	if err != nil {
		err = fmt.Errorf("transport: deployment %q: %w", c.place.id, err)
	}
	return &outcome{resp: resp, err: err, signal: s, place: c.place, known: c.place.health.failing(c.began)}
}
