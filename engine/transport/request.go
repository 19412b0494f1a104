package transport

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// A request is a client's request, as read.
type request struct {
	op     operation
	group  string // as the client calls it
	wild   string // what the asterisk of the group's name stands for; "" = it has none
	name   string // the group's own; "" = not known yet
	demand engine.Demand
	prompt promptSize
	body   wire.Object
	memory buffer // of the body
	stream bool
	asked  bool  // for the usage of its stream
	passed int   // deployments that do not understand it
	form   *form // instead of a body in JSON; nil = it is JSON

	edits             []wire.Value // of the body, beside the model
	large             *place       // the deployment that the request was too large for; nil = none
	doubled           bool         // it was sent again after a provider may have worked on it
	only              string       // the deployment that alone may serve; "" = any
	most              int          // attempts in one group; 0 = the transport's
	attempts          int          // in all groups so far
	fallbacks, larger []Fallback
	wait              time.Duration   // for headroom
	waiting           context.Context // ends the wait; nil = nothing does
}

// read reads a request. It returns a refusal if it cannot be served, and an error
// if the client's body cannot be read. The request is never nil.
func (t *Transport) read(in *http.Request) (*request, *refusal, error) {
	q := &request{}
	var ok bool
	if q.op, ok = operationOf(in.URL.Path); !ok {
		return q, unknownPath(in), nil
	}
	if in.Method != http.MethodPost {
		return q, wrongMethod(in), nil
	}
	if in.Body == nil || in.Body == http.NoBody {
		return q, invalidBody("it is empty"), nil
	}
	if in.ContentLength <= t.maxBody {
		if err := q.memory.fill(in.Body, t.maxBody+1, in.ContentLength); err != nil {
			return q, nil, err
		}
	}
	text := q.memory.text
	if in.ContentLength > t.maxBody || int64(len(text)) > t.maxBody {
		return q, tooLargeBody(t.maxBody), nil
	}
	if operations[q.op].form {
		if kind, params, _ := mime.ParseMediaType(in.Header.Get("Content-Type")); kind == "multipart/form-data" {
			return q, t.parseForm(q, text, params["boundary"]), nil
		}
	}
	return q, t.parse(q, text), nil
}

func (t *Transport) parse(q *request, text []byte) *refusal {
	var err error
	if q.body, err = wire.Parse(text, decisive); err != nil {
		return invalidBody(err.Error())
	}
	if model := q.body.Get("model"); model != nil {
		if q.group = wire.Unquote(model); q.group == "" {
			return invalidModel()
		}
	}
	q.stream = string(q.body.Get("stream")) == "true"
	options := q.body.Get("stream_options")
	for name, v := range wire.Members(options) {
		if name == "include_usage" {
			q.asked = string(v) == "true"
		}
	}
	var counter estimate.Counter
	if t.counter != nil {
		counter = t.counter(q.group)
	}
	if counter == nil {
		counter = estimate.EncodingFor(q.group)
	}
	q.demand, q.prompt = demand(q.op, &q.body, counter)
	return nil
}

// asksUsage reports whether the transport requests the usage of a stream whose
// client has not.
func (q *request) asksUsage(p *place) bool {
	return (q.op == chat || q.op == completions) && q.stream && !q.asked && !p.NoStreamUsage
}

// outgoing returns the request to the endpoint, and the credential in it. It sets sent when the
// body has been read.
func (q *request) outgoing(ctx context.Context, in *http.Request, p *place, sent *atomic.Bool) (*http.Request, string, error) {
	h, key, err := p.header(ctx, in.Header)
	if err != nil {
		return nil, "", err
	}
	p.addHeaders(h)
	out := (&http.Request{
		Method: http.MethodPost, URL: p.url(q.op, p.model(q), in.URL), Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	text := q.rewritten(p)
	for _, piece := range text {
		out.ContentLength += int64(len(piece))
	}
	out.GetBody = func() (io.ReadCloser, error) { return newGather(text, &q.memory, sent) }
	out.Body, err = out.GetBody()
	return out, key, err
}

// rewritten returns the body with the endpoint's model, with what asks for the usage
// of a stream, and with what Adjust has set.
func (q *request) rewritten(p *place) [][]byte {
	if q.form != nil {
		return q.form.with(p.model(q))
	}
	values := slices.Clip(q.edits)
	switch {
	case p.Model != "":
		text := p.quoted
		if model := p.model(q); model != p.Model {
			text = wire.Quote(model)
		}
		values = append(values, wire.Value{Name: "model", Text: text})
	case q.body.Get("model") == nil:
		values = append(values, wire.Value{Name: "model", Text: wire.Quote(q.group)})
	}
	values = q.missing(values, p)
	if q.asksUsage(p) {
		options := map[string]json.RawMessage{}
		if json.Unmarshal(q.body.Get("stream_options"), &options) != nil || options == nil {
			options = map[string]json.RawMessage{}
		}
		options["include_usage"] = json.RawMessage("true")
		if text, err := json.Marshal(options); err == nil {
			values = append(values, wire.Value{Name: "stream_options", Text: text})
		}
	}
	if len(values) == 0 {
		return [][]byte{q.body.Text}
	}
	return q.body.With(values)
}
