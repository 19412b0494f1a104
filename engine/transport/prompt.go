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
		n, err = estimate.Messages(counter, chatOf(op, body))
	}
	if err != nil {
		n = estimate.Text(string(body.Text), counter.Encoding())
	}
	d.InputTokens = min(n, engine.MaxCount)
	return d
}

// inputs counts what is to be embedded: a text, texts, tokens or lists of them.
func inputs(c estimate.Counter, raw json.RawMessage) (int64, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return c.Text(text)
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil {
		return estimate.Texts(c, texts)
	}
	var ids []int64
	if json.Unmarshal(raw, &ids) == nil {
		return estimate.TokenIDs(ids), nil
	}
	var lists [][]int64
	if json.Unmarshal(raw, &lists) == nil {
		return estimate.TokenIDs(lists...), nil
	}
	return c.Text(string(raw))
}

// chatOf lists the texts of a body.
func chatOf(op operation, body *wire.Object) estimate.Chat {
	var c estimate.Chat
	switch op {
	case chat:
		c.Messages = appendItems(c.Messages, body.Get("messages"))
	case completions:
		c.Messages = appendItems(c.Messages, body.Get("prompt"))
	case responses, compact:
		c.Messages = appendSystem(c.Messages, body.Get("instructions"))
		c.Messages = appendItems(c.Messages, body.Get("input"))
	case messages:
		c.Messages = appendSystem(c.Messages, body.Get("system"))
		c.Messages = appendItems(c.Messages, body.Get("messages"))
	default: // no messages
	}
	for _, name := range []string{"response_format", "text", "output_format"} {
		if v := body.Get(name); bytes.Contains(v, []byte("schema")) {
			c.Messages = append(c.Messages, estimate.Message{Content: string(v)})
		}
	}
	c.Tools = toolsOf(body.Get("tools"))
	return c
}

func appendSystem(list []estimate.Message, raw json.RawMessage) []estimate.Message {
	if absent(raw) {
		return list
	}
	m := estimate.Message{Role: "system"}
	addContent(&m, raw, 0)
	return append(list, m)
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] == 'n' }

// toolsOf lists the tools of any of the three forms.
func toolsOf(raw json.RawMessage) []estimate.Tool {
	type function struct {
		Name, Description string
		Parameters        json.RawMessage
		InputSchema       json.RawMessage `json:"input_schema"`
	}
	if absent(raw) {
		return nil
	}
	var list []struct {
		function
		Function function
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var out []estimate.Tool
	for _, t := range list {
		f := t.Function
		if f.Name == "" {
			f = t.function
		}
		schema := f.Parameters
		if len(schema) == 0 {
			schema = f.InputSchema
		}
		out = append(out, estimate.Tool{Name: f.Name, Description: f.Description, Parameters: string(schema)})
	}
	return out
}
