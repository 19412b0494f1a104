package transport

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Forward sends a request to one deployment as it is: with its method, its body, read
// once as it comes, and the parts of its query and its header that travel upstream, to an
// escaped path behind the base of the deployment's API, such as "/responses/resp_1",
// with the deployment's credential. Nothing of it is counted, no other deployment is
// tried and the engine does not learn of it. It is for what a deployment keeps:
// responses, files, batches. The answer is treated as that of RoundTrip, and the endpoint's
// [Timeouts] apply; while the body is being sent the first byte is not due.
func (t *Transport) Forward(in *http.Request, deployment, path string) (*http.Response, error) {
	p := t.places.Load().of[deployment]
	if p == nil {
		closeBody(in)
		return nil, fmt.Errorf("transport: deployment %q has no endpoint", deployment)
	}
	h, key, err := p.header(in.Context(), in.Header)
	if err != nil {
		closeBody(in)
		return nil, fmt.Errorf("transport: deployment %q: %w", deployment, err)
	}
	g := newGuard(in.Context(), p.times, in.URL.Query().Get("stream") == "true")
	out := (&http.Request{
		Method: in.Method, URL: p.at(path, in.URL), Header: h, Body: in.Body, ContentLength: in.ContentLength,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(g.ctx)
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = &upload{out.Body, g}
	}
	return t.send(in, out, p, key, 1, g)
}

// upload is a request's body that is sent as it comes: the first byte of the answer is
// due after its last piece.
type upload struct {
	io.ReadCloser
	guard *guard
}

// Read implements [io.Reader].
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	u.guard.sending()
	return n, err
}

// send sends a request that is not counted, watched by a guard.
func (t *Transport) send(in, out *http.Request, p *place, key string, attempt int, g *guard) (*http.Response, error) {
	resp, err := t.base.RoundTrip(out)
	if err == nil {
		if err = unusable(resp.StatusCode); err != nil {
			_ = resp.Body.Close()
		}
	}
	if err != nil {
		err = g.why(err)
		g.end()
		return nil, fmt.Errorf("transport: deployment %q: %w", p.id, err)
	}
	resp.Request = in // not the one that carries the credential
	if resp.Header = resp.Header.Clone(); resp.Header == nil {
		resp.Header = http.Header{}
	}
	resp.Body = &guarded{src: resp.Body, guard: g}
	blank(resp, key)
	resp.Header.Set(HeaderDeployment, headerText(p.id))
	resp.Header.Set(HeaderAttempts, strconv.Itoa(attempt))
	return resp, nil
}

// pass sends an operation that is not counted to a deployment of its group: first to the
// one that would be chosen for a call, and to others while the answer is their fault.
func (t *Transport) pass(in *http.Request, q *request) (*http.Response, *refusal, error) {
	var last *http.Response
	var failure error
	tried := map[string]bool{}
	for n := 1; n <= t.most(q); n++ {
		p := t.passTo(q, tried)
		if p == nil {
			break
		}
		tried[p.id] = true
		g := newGuard(in.Context(), p.times, q.stream)
		out, key, err := q.outgoing(g.ctx, in, p, nil)
		if err != nil {
			g.end()
			failure = fmt.Errorf("transport: deployment %q: %w", p.id, err)
			continue
		}
		if last != nil {
			_ = last.Body.Close()
		}
		if last, failure = t.send(in, out, p, key, n, g); failure == nil {
			last.Header.Set(HeaderGroup, headerText(q.name))
			if s := p.signal(last, g); s.Kind == provider.Fine || s.Kind == provider.Rejected {
				return last, nil, nil
			}
		}
		if in.Context().Err() != nil {
			break
		}
	}
	switch {
	case last != nil:
		return last, nil, nil
	case failure != nil:
		return nil, nil, failure
	}
	return nil, refusalOf(engine.ErrNoCandidate, q), nil
}

// signal reads what an answer says that is not counted.
func (p *place) signal(resp *http.Response, g *guard) provider.Signal {
	if resp.StatusCode < http.StatusBadRequest {
		return provider.Signal{}
	}
	return provider.Read(provider.Answer{
		Provider: p.provider(), Status: resp.StatusCode, Header: valueOf(resp.Header), Body: peek(resp, g), At: time.Now(),
	})
}

// passTo chooses where an operation goes that is not counted; nil if all were tried.
func (t *Transport) passTo(q *request, tried map[string]bool) *place {
	at := t.places.Load()
	fit := func(id string) *place {
		p := at.of[id]
		if p == nil || tried[id] || !q.op.servedBy(p.API) || q.only != "" && q.only != id {
			return nil
		}
		return p
	}
	if group, err := t.engine.Group(q.name); err == nil {
		if ref, ok := group.Pick(q.demand); ok {
			if p := fit(ref.ID()); p != nil {
				return p
			}
		}
	}
	ids := at.members[q.name]
	q.passed = 0
	for i, from := 0, rand.IntN(max(len(ids), 1)); i < len(ids); i++ {
		id := ids[(from+i)%len(ids)]
		if p := fit(id); p != nil {
			return p
		}
		q.passed++
	}
	return nil
}
