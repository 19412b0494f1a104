package transport

import (
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// An item is a message, a part of one, or an item of a response's input, as far
// as it has tokens.
type item struct {
	kind, role, name         string
	content, calls           json.RawMessage
	text, refusal, thinking  json.RawMessage
	arguments, input, output json.RawMessage
	image, detail            json.RawMessage
}

func itemOf(raw json.RawMessage) item {
	var it item
	for name, v := range wire.Members(raw) {
		switch name {
		case "type":
			it.kind = wire.Unquote(v)
		case "role":
			it.role = wire.Unquote(v)
		case "name":
			it.name = wire.Unquote(v)
		case "content":
			it.content = v
		case "tool_calls":
			it.calls = v
		case "text":
			it.text = v
		case "refusal":
			it.refusal = v
		case "thinking":
			it.thinking = v
		case "arguments":
			it.arguments = v
		case "input":
			it.input = v
		case "output":
			it.output = v
		case "image_url":
			it.image = v
		case "detail":
			it.detail = v
		}
	}
	return it
}

// appendItems adds the messages of a list, or the items of a response's input.
func appendItems(list []estimate.Message, raw json.RawMessage) []estimate.Message {
	if absent(raw) {
		return list
	}
	if raw[0] != '[' {
		m := estimate.Message{Role: "user"}
		addContent(&m, raw, 0)
		return append(list, m)
	}
	for raw := range wire.Elements(raw) {
		var m estimate.Message
		if it := itemOf(raw); it.role == "" {
			addPart(&m, raw, 0)
		} else {
			m.Role, m.Name = it.role, it.name
			addContent(&m, it.content, 0)
			for call := range wire.Elements(it.calls) {
				for name, v := range wire.Members(call) {
					if f := itemOf(v); name == "function" {
						m.Calls = append(m.Calls, estimate.Call{Name: f.name, Arguments: wire.Unquote(f.arguments)})
					}
				}
			}
		}
		list = append(list, m)
	}
	return list
}

// maxNesting is how deep parts may lie in parts; what lies deeper counts as the
// text that it is, so that a body is looked at a bounded number of times.
const maxNesting = 4

// addContent adds a text, or a list of parts.
func addContent(m *estimate.Message, raw json.RawMessage, depth int) {
	switch {
	case absent(raw):
	case depth > maxNesting:
		m.Parts = append(m.Parts, string(raw))
	case raw[0] == '"':
		m.Parts = append(m.Parts, wire.Unquote(raw))
	case raw[0] == '[':
		for part := range wire.Elements(raw) {
			addPart(m, part, depth)
		}
	default:
		m.Parts = append(m.Parts, string(raw))
	}
}

// addPart adds one part of a message. A file, a document or a sound counts as an
// image: its tokens cannot be known from here.
func addPart(m *estimate.Message, raw json.RawMessage, depth int) {
	it := itemOf(raw)
	switch it.kind {
	case "text", "input_text", "output_text":
		addContent(m, it.text, depth+1)
	case "refusal":
		addContent(m, it.refusal, depth+1)
	case "thinking":
		addContent(m, it.thinking, depth+1)
	case "image_url", "input_image", "image":
		detail := wire.Unquote(it.detail)
		if nested := itemOf(it.image); len(nested.detail) > 0 {
			detail = wire.Unquote(nested.detail)
		}
		if detail == "low" {
			m.LowDetailImages++
		} else {
			m.Images++
		}
	case "file", "input_file", "document", "input_audio":
		m.Images++
	case "tool_use", "server_tool_use":
		m.Calls = append(m.Calls, estimate.Call{Name: it.name, Arguments: string(it.input)})
	case "function_call":
		m.Calls = append(m.Calls, estimate.Call{Name: it.name, Arguments: wire.Unquote(it.arguments)})
	case "tool_result":
		addContent(m, it.content, depth+1)
	case "function_call_output":
		addContent(m, it.output, depth+1)
	case "item_reference", "redacted_thinking":
	default:
		m.Parts = append(m.Parts, string(raw))
	}
}
