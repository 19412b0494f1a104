package transport

import (
	"encoding/json"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// An item is the members that have tokens of a message, of a part of one, or of an item of a
// response's input.
type item struct {
	kind, role, name         string
	content, calls           json.RawMessage
	text, refusal, thinking  json.RawMessage
	arguments, input, output json.RawMessage
	image, detail            json.RawMessage
	summary, hidden, result  json.RawMessage
	function, images, tools  json.RawMessage
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
		case "summary":
			it.summary = v
		case "encrypted_content":
			it.hidden = v
		case "result":
			it.result = v
		case "function_call":
			it.function = v
		case "images":
			it.images = v
		case "tools":
			it.tools = v
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
		t.content(it.refusal, 0)
		if thought := wire.Get(raw, "reasoning_content"); !absent(thought) { // DeepSeek
			t.as(ofReasoning)
			t.content(thought, 1)
		}
		for image := range wire.Elements(it.images) { // those that OpenRouter's models made
			t.picture(image, false)
		}
		for call := range wire.Elements(it.calls) {
			t.asked(wire.Get(call, "function"))
			t.asked(wire.Get(call, "custom"))
		}
		t.asked(it.function) // as it was once
	}
}

// asked counts a call of a function, or of a custom tool.
func (t *tally) asked(raw json.RawMessage) {
	switch f := itemOf(raw); {
	case absent(raw):
	case len(f.arguments) > 0:
		t.call(f.name, f.arguments)
	default:
		t.call(f.name, f.input)
	}
}

// system counts the instructions.
func (t *tally) system(raw json.RawMessage) {
	if !absent(raw) {
		t.message("system", "")
		t.content(raw, 0)
	}
}

// maxNesting is how deep parts may lie in parts; of what lies deeper the texts are counted
// without regard to where they stand, so that a body is looked at a bounded number of times.
const maxNesting = 4

// content counts a text, or a list of parts.
func (t *tally) content(raw json.RawMessage, depth int) {
	switch {
	case absent(raw):
	case depth <= maxNesting && raw[0] == '[':
		for part := range wire.Elements(raw) {
			t.part(part, depth)
		}
	case depth <= maxNesting && raw[0] == '{':
		t.part(raw, depth)
	case depth > maxNesting:
		t.flat(raw)
	default:
		t.text(raw)
	}
}

// part counts one part of a message. What is no text is counted by its size, never as
// the text that its data would be.
func (t *tally) part(raw json.RawMessage, depth int) {
	it := itemOf(raw)
	switch it.kind {
	case "text", "input_text", "output_text", "summary_text", "reasoning_text":
		t.content(it.text, depth+1)
	case "refusal":
		t.content(it.refusal, depth+1)
	case "thinking":
		t.as(ofReasoning)
		t.content(it.thinking, depth+1) // its signature is not billed
	case "reasoning":
		t.as(ofReasoning)
		t.content(it.content, depth+1)
		if !absent(it.hidden) {
			t.hidden(it.hidden) // the summary is of the same
		} else {
			t.content(it.summary, depth+1)
		}
	case "compaction", "compaction_summary":
		t.hidden(it.hidden)
		t.content(it.content, depth+1)
	case "mcp_list_tools":
		t.tools(it.tools)
	case "image_url", "input_image", "image", "computer_screenshot":
		detail := wire.Unquote(it.detail)
		if nested := itemOf(it.image); len(nested.detail) > 0 {
			detail = wire.Unquote(nested.detail)
		}
		t.picture(raw, detail == "low")
	case "image_generation_call":
		t.picture(raw, false)
	case "file", "input_file", "document", "document_url", "file_url":
		t.document(raw, depth)
	case "input_audio", "audio", "audio_url":
		t.sound(raw)
	case "video", "input_video", "video_url":
		t.as(ofDocuments)
		t.total += filmTokens
	case "tool_use", "server_tool_use", "mcp_tool_use", "custom_tool_call":
		t.call(it.name, it.input)
	case "function_call", "mcp_call":
		t.call(it.name, it.arguments)
		t.content(it.output, depth+1)
	case "function_call_output", "custom_tool_call_output":
		t.content(it.output, depth+1)
	case "computer_call_output":
		t.content(it.output, depth+1)
	case "item_reference", "redacted_thinking", "container_upload":
	default:
		if strings.HasSuffix(it.kind, "tool_result") {
			t.content(it.content, depth+1)
			return
		}
		t.unknown(raw, depth)
	}
}
