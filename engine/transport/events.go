package transport

import (
	"bytes"
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// events understands the events of one stream.
type events struct {
	op   operation
	hide bool // leave out the chunk of a chat that only tells the usage
	over bool // the last event has come
}

// whole reports whether a stream that ends here ends as it should: a chat's that
// lacks its last line counts as whole if it has told its usage, and is handled by
// the call; the others say when they are over.
func (e *events) whole() bool {
	return e.over || e.op == chat || e.op == completions || e.op.counts() != byTokens
}

// event looks at one event, and reports whether the client should see it.
func (e *events) event(c *call, text []byte) (keep bool) {
	name, data := wire.Fields(text)
	if len(data) == 0 {
		return true // a comment
	}
	if string(name) != "response.failed" {
		if f := failureOf(name, data); f != nil {
			c.refusal(f)
			return true
		}
	}
	switch e.op {
	case chat, embeddings, completions:
		return e.chat(c, data)
	case responses:
		e.response(c, name, data)
	case messages:
		e.message(c, name, data)
	default:
		if tells(data, `"usage"`) && wire.Valid(data) {
			c.saw(parseUsage(wire.Get(data, "usage")))
		}
	}
	return true
}

// chat looks at a chunk. Usage comes in a last chunk without choices
// (https://platform.openai.com/docs/api-reference/chat/create, stream_options);
// some servers put it into others, and the last one holds.
func (e *events) chat(c *call, data []byte) (keep bool) {
	if string(data) == "[DONE]" {
		e.over = true
		return true
	}
	if !tells(data, `"usage"`) {
		if bytes.Contains(data, []byte(`"delta"`)) && !bytes.Contains(data, []byte(`"delta":{}`)) || e.op == completions && bytes.Contains(data, []byte(`"text"`)) {
			c.piece()
		}
		return true
	}
	var chunk struct {
		Choices []json.RawMessage
		Usage   json.RawMessage
	}
	if json.Unmarshal(data, &chunk) != nil {
		return true
	}
	u := parseUsage(chunk.Usage)
	c.saw(u)
	return !e.hide || len(chunk.Choices) > 0 || !u.known()
}

// response looks at an event of the Responses API
// (https://platform.openai.com/docs/api-reference/responses-streaming).
func (e *events) response(c *call, name, data []byte) {
	if len(name) == 0 {
		var typed struct{ Type string }
		if json.Unmarshal(data, &typed) == nil {
			name = []byte(typed.Type)
		}
	}
	switch string(name) {
	case "response.completed", "response.incomplete", "response.failed":
		e.over = true
		var last struct {
			Response struct{ Usage, Error json.RawMessage }
		}
		if json.Unmarshal(data, &last) != nil {
			return
		}
		c.saw(parseUsage(last.Response.Usage))
		if string(name) == "response.failed" {
			c.refusal(last.Response.Error)
		}
	default:
		if bytes.HasSuffix(name, []byte(".delta")) {
			c.piece()
		}
	}
}

// message looks at an event of the Messages API
// (https://platform.claude.com/docs/en/build-with-claude/streaming). The counts
// in message_delta are those of the whole message so far.
func (e *events) message(c *call, name, data []byte) {
	switch string(name) {
	case "message_start":
		var start struct {
			Message struct{ Usage json.RawMessage }
		}
		if json.Unmarshal(data, &start) == nil {
			c.saw(parseUsage(start.Message.Usage))
		}
	case "content_block_delta":
		c.piece()
	case "message_delta":
		var delta struct{ Usage json.RawMessage }
		if json.Unmarshal(data, &delta) == nil {
			c.saw(parseUsage(delta.Usage))
		}
	case "message_stop":
		e.over = true
	}
}

// tells reports whether a member of that quoted name has a value other than null,
// anywhere. Inside a JSON text the quotes of a name would be escaped.
func tells(data []byte, name string) bool {
	for {
		i := bytes.Index(data, []byte(name))
		if i < 0 {
			return false
		}
		data = data[i+len(name):]
		if rest := bytes.TrimLeft(data, " \t:\n"); !bytes.HasPrefix(rest, []byte("null")) {
			return true
		}
	}
}
