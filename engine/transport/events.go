package transport

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// events understands the events of one stream.
type events struct {
	op   operation
	hide bool // leave out the chunk of a chat that only reports the usage
	over bool // the last event has come
}

// whole reports whether a stream that ends here ends as it should: a chat's that
// lacks its last line counts as whole if it has reported its usage, and is handled by
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
	if e.op != responses || typed(name, data) != "response.failed" {
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
		if has(data, `"usage"`) && wire.Valid(data) {
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
	if !has(data, `"usage"`) {
		if bytes.Contains(data, []byte(`"delta"`)) && !bytes.Contains(data, []byte(`"delta":{}`)) || e.op == completions && bytes.Contains(data, []byte(`"text"`)) {
			c.piece()
		}
		return true
	}
	if !wire.Valid(data) {
		return true
	}
	choices := wire.Get(data, "choices")
	u := parseUsage(chunkUsage(data, choices))
	c.saw(u)
	return !e.hide || hasElement(choices) || !u.known()
}

// chunkUsage returns the usage of a chunk: its own, Groq's, or that of a choice, where
// Moonshot has it.
func chunkUsage(data, choices []byte) json.RawMessage {
	if u := wire.Get(data, "usage"); len(u) > 0 && u[0] == '{' {
		return u
	}
	if u := groqUsage(wire.Get(data, "x_groq")); u != nil {
		return u
	}
	for choice := range wire.Elements(choices) {
		if u := wire.Get(choice, "usage"); len(u) > 0 && u[0] == '{' {
			return u
		}
	}
	return nil
}

// groqUsage returns the usage of Groq's member x_groq
// (https://console.groq.com/docs/api-reference); nil if there is none.
func groqUsage(x json.RawMessage) json.RawMessage { return wire.Get(x, "usage") }

func hasElement(list []byte) bool {
	for range wire.Elements(list) {
		return true
	}
	return false
}

// typed returns an event's name, or the type that its data gives where it has none.
func typed(name, data []byte) string {
	if len(name) == 0 && wire.Valid(data) {
		return wire.Unquote(wire.Get(data, "type"))
	}
	return string(name)
}

// response looks at an event of the Responses API
// (https://platform.openai.com/docs/api-reference/responses-streaming).
func (e *events) response(c *call, name, data []byte) {
	kind := typed(name, data)
	switch kind {
	case "response.completed", "response.incomplete", "response.failed":
		e.over = true
		if !wire.Valid(data) {
			return
		}
		c.saw(parseUsage(wire.Get(wire.Get(data, "response"), "usage")))
		if kind == "response.failed" {
			c.refusal(data)
		}
	default:
		if strings.HasSuffix(kind, ".delta") {
			c.piece()
		}
	}
}

// message looks at an event of the Messages API
// (https://platform.claude.com/docs/en/build-with-claude/streaming). The counts
// in message_delta are those of the whole message so far.
func (e *events) message(c *call, name, data []byte) {
	switch typed(name, data) {
	case "message_start":
		if wire.Valid(data) {
			c.saw(parseUsage(wire.Get(wire.Get(data, "message"), "usage")))
		}
	case "content_block_delta":
		c.piece()
	case "message_delta":
		if wire.Valid(data) {
			c.saw(parseUsage(wire.Get(data, "usage")))
		}
	case "message_stop":
		e.over = true
	}
}

// headOf returns the name of an event of which only the beginning is there, or the type that
// its data begins with; "-" if neither is to be seen.
func headOf(event []byte) string {
	name, data := wire.Fields(event)
	if len(name) > 0 {
		return string(name)
	}
	_, rest, _ := bytes.Cut(data[:min(len(data), 256)], []byte(`"type"`))
	if rest = bytes.TrimLeft(rest, ": "); len(rest) > 0 && rest[0] == '"' {
		if name, _, ok := bytes.Cut(rest[1:], []byte(`"`)); ok && len(name) > 0 {
			return string(name)
		}
	}
	return "-"
}

// end looks at the end of an event whose beginning is gone.
func (e *events) end(c *call, name string, tail []byte) {
	u := parseUsage(lastUsage(tail))
	switch {
	case e.op == responses && strings.HasPrefix(name, "response.") && !strings.HasSuffix(name, ".delta"):
		e.over = e.over || name == "response.completed" || name == "response.incomplete" || name == "response.failed"
		if e.over {
			c.saw(u)
		}
		if name == "response.failed" {
			c.refusal([]byte(`{"error":{}}`)) // it is not known which
		}
	case e.op != responses:
		c.saw(u)
	}
}

// lastUsage returns the last object that a member "usage" has in the end of a JSON text; nil if
// there is none. Inside a text the quotes of a name would be escaped.
func lastUsage(tail []byte) json.RawMessage {
	for {
		i := bytes.LastIndex(tail, []byte(`"usage"`))
		if i < 0 {
			return nil
		}
		value := bytes.TrimLeft(tail[i+len(`"usage"`):], " \t:")
		if len(value) > 0 && value[0] == '{' {
			var u json.RawMessage
			if json.NewDecoder(bytes.NewReader(value)).Decode(&u) == nil {
				return u
			}
		}
		tail = tail[:i]
	}
}

// has reports whether a member of that quoted name has a value other than null,
// anywhere. Inside a JSON text the quotes of a name would be escaped.
func has(data []byte, name string) bool {
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
