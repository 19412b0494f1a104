package transport

import (
	"bytes"
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// demand estimates what a body will consume. It never fails: what does not have
// the form that the API documents counts as the text that it is, and the provider
// will say what is wrong with it.
func demand(op operation, body *wire.Object, counter estimate.Counter) engine.Demand {
	d := engine.Demand{}
	var n int64
	var err error
	if op.counts() != byTokens {
		return engine.Demand{OutputTokens: engine.NoOutput}
	}
	if op == embeddings {
		d.OutputTokens = engine.NoOutput
		n, err = inputs(counter, body.Get("input"))
	} else {
		for _, name := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
			if v := count(body.Get(name)); v > 0 {
				d.MaxOutputTokens = v
			}
		}
		n, err = prompt(op, body, counter)
	}
	if err != nil {
		n = estimate.Text(wire.Raw(body.Text), counter.Encoding())
	}
	d.InputTokens = min(n, engine.MaxCount)
	return d
}

// inputs counts what is to be embedded: a text, texts, tokens or lists of them.
func inputs(c estimate.Counter, raw json.RawMessage) (int64, error) {
	t := tally{counter: c}
	if len(raw) == 0 || raw[0] != '[' {
		t.text(raw)
		return t.total, t.err
	}
	for v := range wire.Elements(raw) {
		switch {
		case v[0] == '[':
			for range wire.Elements(v) {
				t.total++
			}
		case v[0] == '"', v[0] == '{':
			t.text(v)
		default:
			t.total++
		}
	}
	return t.total, t.err
}

// prompt counts the texts of a body.
func prompt(op operation, body *wire.Object, c estimate.Counter) (int64, error) {
	t := tally{counter: c, total: replyTokens}
	switch op {
	case chat:
		t.items(body.Get("messages"))
	case completions:
		t.items(body.Get("prompt"))
	case responses, compact:
		t.system(body.Get("instructions"))
		t.items(body.Get("input"))
	case messages:
		t.system(body.Get("system"))
		t.items(body.Get("messages"))
	default: // no messages
	}
	for _, name := range []string{"response_format", "text", "output_format"} {
		if v := body.Get(name); bytes.Contains(v, []byte("schema")) {
			t.message("", "")
			t.text(v)
		}
	}
	t.tools(body.Get("tools"))
	return t.total, t.err
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] == 'n' }

// tools counts the tools of any of the three forms.
func (t *tally) tools(raw json.RawMessage) {
	first := true
	for v := range wire.Elements(raw) {
		tool, inner := toolOf(v)
		if f, _ := toolOf(inner); f.Name != "" {
			tool = f
		}
		if first {
			t.total += toolsTokens
			first = false
		}
		t.tool[0] = tool
		t.add(estimate.Chat{Tools: t.tool[:]}, -replyTokens-toolsTokens)
	}
}

// toolOf reads a tool, and the member of it that may hold it instead.
func toolOf(raw json.RawMessage) (tool estimate.Tool, function json.RawMessage) {
	var parameters, schema json.RawMessage
	for name, v := range wire.Members(raw) {
		switch name {
		case "name":
			tool.Name = wire.Unquote(v)
		case "description":
			tool.Description = wire.Unquote(v)
		case "parameters":
			parameters = v
		case "input_schema":
			schema = v
		case "function":
			function = v
		}
	}
	if len(parameters) == 0 {
		parameters = schema
	}
	tool.Parameters = wire.Raw(parameters)
	return tool, function
}
