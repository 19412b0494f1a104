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
			it.kind, _ = wire.Text(v)
		case "role":
			it.role, _ = wire.Text(v)
		case "name":
			it.name, _ = wire.Text(v)
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

// items counts the messages of a list, or the items of a response's input.
func (t *tally) items(raw json.RawMessage) {
	if absent(raw) {
		return
	}
	if raw[0] != '[' {
		t.message("user", "")
		t.content(raw, 0)
		return
	}
	for raw := range wire.Elements(raw) {
		it := itemOf(raw)
		if it.role == "" {
			t.message("", "")
			t.part(raw, 0)
			continue
		}
		t.message(it.role, it.name)
		t.content(it.content, 0)
		for call := range wire.Elements(it.calls) {
			for name, v := range wire.Members(call) {
				if name == "function" {
					f := itemOf(v)
					t.call(f.name, f.arguments)
				}
			}
		}
	}
}

// system counts the instructions.
func (t *tally) system(raw json.RawMessage) {
	if !absent(raw) {
		t.message("system", "")
		t.content(raw, 0)
	}
}

// maxNesting is how deep parts may lie in parts; what lies deeper counts as the
// text that it is, so that a body is looked at a bounded number of times.
const maxNesting = 4

// content counts a text, or a list of parts.
func (t *tally) content(raw json.RawMessage, depth int) {
	switch {
	case absent(raw):
	case depth <= maxNesting && raw[0] == '[':
		for part := range wire.Elements(raw) {
			t.part(part, depth)
		}
	case depth > maxNesting && raw[0] == '"':
		t.raw(raw)
	default:
		t.text(raw)
	}
}

// part counts one part of a message. A file, a document or a sound counts as an
// image: its tokens cannot be known from here.
func (t *tally) part(raw json.RawMessage, depth int) {
	it := itemOf(raw)
	switch it.kind {
	case "text", "input_text", "output_text":
		t.content(it.text, depth+1)
	case "refusal":
		t.content(it.refusal, depth+1)
	case "thinking":
		t.content(it.thinking, depth+1)
	case "image_url", "input_image", "image":
		detail := wire.Unquote(it.detail)
		if nested := itemOf(it.image); len(nested.detail) > 0 {
			detail = wire.Unquote(nested.detail)
		}
		if detail == "low" {
			t.total += estimate.LowDetailImageTokens
		} else {
			t.total += estimate.ImageTokens
		}
	case "file", "input_file", "document", "input_audio":
		t.total += estimate.ImageTokens
	case "tool_use", "server_tool_use":
		t.call(it.name, it.input)
	case "function_call":
		t.call(it.name, it.arguments)
	case "tool_result":
		t.content(it.content, depth+1)
	case "function_call_output":
		t.content(it.output, depth+1)
	case "item_reference", "redacted_thinking":
	default:
		t.raw(raw)
	}
}
