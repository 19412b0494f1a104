package transport

import (
	"bytes"
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// demand estimates what a body will consume. It never fails: what does not have
// the form that the API documents counts as the text that it is, and the provider
// will say what is wrong with it.
func demand(op operation, body *object, counter estimate.Counter) engine.Demand {
	d := engine.Demand{}
	var n int64
	var err error
	if op == embeddings {
		d.OutputTokens = engine.NoOutput
		n, err = inputs(counter, body.get("input"))
	} else {
		for _, name := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
			if v := count(body.get(name)); v > 0 {
				d.MaxOutputTokens = v
			}
		}
		n, err = estimate.Messages(counter, chatOf(op, body))
	}
	if err != nil {
		n = estimate.Text(string(body.text), counter.Encoding())
	}
	d.InputTokens = min(n, engine.MaxCount)
	return d
}

// count returns a JSON number as a count of tokens, 0 for anything else.
func count(raw json.RawMessage) int64 {
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 0 {
		return 0
	}
	return min(n, engine.MaxCount)
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
func chatOf(op operation, body *object) estimate.Chat {
	var c estimate.Chat
	switch op {
	case chat:
		c.Messages = appendItems(c.Messages, body.get("messages"))
	case responses:
		c.Messages = appendSystem(c.Messages, body.get("instructions"))
		if input := body.get("input"); isString(input) {
			m := estimate.Message{Role: "user"}
			addContent(&m, input)
			c.Messages = append(c.Messages, m)
		} else {
			c.Messages = appendItems(c.Messages, input)
		}
	case messages:
		c.Messages = appendSystem(c.Messages, body.get("system"))
		c.Messages = appendItems(c.Messages, body.get("messages"))
	case embeddings:
	}
	for _, name := range []string{"response_format", "text", "output_format"} {
		if v := body.get(name); bytes.Contains(v, []byte("schema")) {
			c.Messages = append(c.Messages, estimate.Message{Content: string(v)})
		}
	}
	c.Tools = toolsOf(body.get("tools"))
	return c
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

func appendSystem(list []estimate.Message, raw json.RawMessage) []estimate.Message {
	if len(raw) == 0 || string(raw) == "null" {
		return list
	}
	m := estimate.Message{Role: "system"}
	addContent(&m, raw)
	return append(list, m)
}

// appendItems adds the messages of a list, or the items of a response's input.
func appendItems(list []estimate.Message, raw json.RawMessage) []estimate.Message {
	if len(raw) == 0 || string(raw) == "null" {
		return list
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return append(list, estimate.Message{Content: string(raw)})
	}
	for _, raw := range items {
		var item struct {
			Role, Name string
			Content    json.RawMessage
			ToolCalls  []struct{ Function estimate.Call } `json:"tool_calls"`
		}
		m := estimate.Message{}
		if json.Unmarshal(raw, &item) != nil {
			m.Content = string(raw)
			list = append(list, m)
			continue
		}
		if item.Role == "" {
			addPart(&m, raw)
			list = append(list, m)
			continue
		}
		m.Role, m.Name = item.Role, item.Name
		addContent(&m, item.Content)
		for _, call := range item.ToolCalls {
			m.Calls = append(m.Calls, call.Function)
		}
		list = append(list, m)
	}
	return list
}

// addContent adds a text, or a list of parts.
func addContent(m *estimate.Message, raw json.RawMessage) {
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		m.Parts = append(m.Parts, text)
		return
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		m.Parts = append(m.Parts, string(raw))
		return
	}
	for _, part := range parts {
		addPart(m, part)
	}
}

// addPart adds one part of a message. A file, a document or a sound counts as an
// image: its tokens cannot be known from here.
func addPart(m *estimate.Message, raw json.RawMessage) {
	var part struct {
		Type, Text, Refusal, Thinking string
		Name, Arguments, Detail       string
		Input, Content, Output        json.RawMessage
		ImageURL                      json.RawMessage `json:"image_url"`
	}
	if json.Unmarshal(raw, &part) != nil {
		m.Parts = append(m.Parts, string(raw))
		return
	}
	switch part.Type {
	case "text", "input_text", "output_text":
		m.Parts = append(m.Parts, part.Text)
	case "refusal":
		m.Parts = append(m.Parts, part.Refusal)
	case "thinking":
		m.Parts = append(m.Parts, part.Thinking)
	case "image_url", "input_image", "image":
		var nested struct{ Detail string }
		if json.Unmarshal(part.ImageURL, &nested) == nil && nested.Detail != "" {
			part.Detail = nested.Detail
		}
		if part.Detail == "low" {
			m.LowDetailImages++
		} else {
			m.Images++
		}
	case "file", "input_file", "document", "input_audio":
		m.Images++
	case "tool_use", "server_tool_use":
		m.Calls = append(m.Calls, estimate.Call{Name: part.Name, Arguments: string(part.Input)})
	case "function_call":
		m.Calls = append(m.Calls, estimate.Call{Name: part.Name, Arguments: part.Arguments})
	case "tool_result":
		addContent(m, part.Content)
	case "function_call_output":
		addContent(m, part.Output)
	case "item_reference", "redacted_thinking":
	default:
		m.Parts = append(m.Parts, string(raw))
	}
}

// toolsOf lists the tools of any of the three forms.
func toolsOf(raw json.RawMessage) []estimate.Tool {
	type function struct {
		Name, Description string
		Parameters        json.RawMessage
		InputSchema       json.RawMessage `json:"input_schema"`
	}
	var list []struct {
		function
		Function function
	}
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
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
