package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// pieces gives out a text in pieces of random size, and ends with err.
type pieces struct {
	text []byte
	rnd  *rand.Rand
	err  error
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, p.err
	}
	n := copy(b, p.text[:1+p.rnd.IntN(min(len(p.text), 40))])
	p.text = p.text[n:]
	return n, nil
}

func (*pieces) Close() error { return nil }

func newCall(t *testing.T) *call {
	t.Helper()
	e, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "g"}}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := e.Group("g")
	if err != nil {
		t.Fatal(err)
	}
	c := &call{t: &Transport{engine: e}, group: g, usage: noUsage, input: 5, place: &place{id: "a"}}
	if c.lease, err = g.Acquire(engine.Demand{InputTokens: 5}); err != nil {
		t.Fatal(err)
	}
	c.ref = c.lease.Ref()
	return c
}

// FuzzStream: whatever the pieces in which a stream arrives, the client gets the
// same bytes, all of them unless a chunk is hidden, and the lease ends the same.
func FuzzStream(f *testing.F) {
	for _, s := range []string{
		"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}\n\ndata: [DONE]\n\n",
		"event: message_start\r\ndata: {\"message\":{\"usage\":{\"input_tokens\":3}}}\r\n\r\nevent: message_stop\r\ndata: {}\r\n\r\n",
		"event: error\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n",
		"event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
		"\n\n\r\n:\n\ndata\n\r\n", "data: [DONE]", "data: {\ndata: }\n\n",
	} {
		for op := range operations {
			f.Add([]byte(s), uint64(1), byte(op), true, false)
			f.Add([]byte(s), uint64(2), byte(op), false, true)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, op byte, hide, broken bool) {
		end := io.EOF
		if broken {
			end = errors.New("broken")
		}
		play := func(src io.Reader) (string, Attempt) {
			c := newCall(t)
			s := &stream{src: io.NopCloser(src), call: c, events: events{op: operation(op) % operation(len(operations)), hide: hide}}
			out, err := io.ReadAll(s)
			if (err != nil) != broken {
				t.Fatalf("error = %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if c.t.engine.Stats().Held != 0 {
				t.Fatal("the lease has not ended")
			}
			return string(out), c.report
		}
		whole := io.MultiReader(bytes.NewReader(text), iotest.ErrReader(end))
		wantText, want := play(whole)
		gotText, got := play(&pieces{text: bytes.Clone(text), rnd: rand.New(rand.NewPCG(seed, 1)), err: end})
		if gotText != wantText || got != want {
			t.Errorf("in pieces: %q, %+v\nat once: %q, %+v", gotText, got, wantText, want)
		}
		if !hide && gotText != string(text) {
			t.Errorf("read %q, want all of %q", gotText, text)
		}
		if got.Usage.InputTokens < 0 || got.Usage.OutputTokens < 0 {
			t.Errorf("usage = %+v", got.Usage)
		}
	})
}

// FuzzRewrite: replacing members changes them and nothing else.
func FuzzRewrite(f *testing.F) {
	f.Add([]byte(`{"model":"chat","stream":true}`), "gpt-4o")
	f.Add([]byte(` {"a":{"model":1} , "model" : "x","model":"y","b":1e5}`), "é\"\n")
	f.Add([]byte(`{"model":"chat","stream":true,"stream_options":{"x":1}}`), "")
	f.Add([]byte(`{"a":{"model":1},"messages":[]}`), "")
	f.Fuzz(func(t *testing.T, text []byte, model string) {
		tr := &Transport{}
		q := &request{op: chat}
		if tr.parse(q, text) != nil {
			return
		}
		out := bytes.Join(q.rewritten(&place{Endpoint: Endpoint{Model: model}, quoted: wire.Quote(model)}), nil)
		var before, after map[string]json.RawMessage
		if json.Unmarshal(text, &before) != nil || json.Unmarshal(out, &after) != nil {
			t.Fatalf("%q became %q", text, out)
		}
		if model == "" && before["model"] == nil { // a body without a model names the group
			model = q.group
			before["model"] = wire.Quote(model)
		}
		if model != "" {
			var got, want string
			_ = json.Unmarshal(after["model"], &got)
			_ = json.Unmarshal(wire.Quote(model), &want)
			if got != want {
				t.Errorf("model = %q, want %q", got, want)
			}
			before["model"] = after["model"]
		}
		if q.stream && !q.asked {
			var o struct {
				IncludeUsage bool `json:"include_usage"`
			}
			if json.Unmarshal(after["stream_options"], &o) != nil || !o.IncludeUsage {
				t.Errorf("stream_options = %s", after["stream_options"])
			}
			before["stream_options"] = after["stream_options"]
		}
		if len(before) != len(after) {
			t.Errorf("%q became %q", text, out)
		}
		for name, v := range before {
			if !bytes.Equal(v, after[name]) {
				t.Errorf("%s = %s, want %s", name, after[name], v)
			}
		}
	})
}
