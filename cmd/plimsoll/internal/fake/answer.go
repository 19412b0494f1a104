package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

type usage struct{ in, out int64 }

func (u usage) chat() object {
	return object{"prompt_tokens": u.in, "completion_tokens": u.out, "total_tokens": u.in + u.out}
}

func (u usage) responses() object {
	return object{"input_tokens": u.in, "input_tokens_details": object{"cached_tokens": 0}, "output_tokens": u.out, "output_tokens_details": object{"reasoning_tokens": 0}, "total_tokens": u.in + u.out}
}

func (u usage) messages() object { return object{"input_tokens": u.in, "output_tokens": u.out} }

type object map[string]any

// words are what answers consist of: a word is a token.
var words = strings.Fields("the crates on the quay wait for the next ship and the mate counts them once more before the tide turns")

// text returns n words.
func text(n int64) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[i%int64(len(words))])
	}
	return b.String()
}

// reply is the model's output: a text, or the call of a tool.
type reply struct {
	text, tool, arguments string
}

// replyTo chooses a reply: the first tool, until a tool has answered; an instance of the
// schema where the output is structured; else words.
func replyTo(in *asked, u usage) reply {
	answered := strings.Contains(string(in.Input), "function_call_output")
	for _, m := range in.Messages {
		answered = answered || m.Role == "tool"
	}
	if n := len(in.Messages); n > 2 {
		answered = true // Anthropic's tool results are messages of the user
	}
	if len(in.Tools) > 0 && in.Tools[0].name() != "" && !answered && string(in.ToolChoice) != `"none"` {
		return reply{tool: in.Tools[0].name(), arguments: `{"city":"Lisbon"}`}
	}
	for _, f := range []format{in.ResponseFormat, in.Text.Format} {
		switch f.Type {
		case "json_object":
			return reply{text: "{}"}
		case "json_schema":
			schema := f.Schema
			if len(schema) == 0 {
				schema = f.JSONSchema.Schema
			}
			return reply{text: instance(schema)}
		}
	}
	return reply{text: text(u.out)}
}

// instance returns a value that a simple schema accepts.
func instance(raw json.RawMessage) string {
	var schema struct {
		Type       string
		Enum       []any
		Properties map[string]json.RawMessage
	}
	if json.Unmarshal(raw, &schema) != nil {
		return "{}"
	}
	var v any
	switch {
	case len(schema.Enum) > 0:
		v = schema.Enum[0]
	case schema.Type == "string":
		v = "quay"
	case schema.Type == "integer", schema.Type == "number":
		v = 7
	case schema.Type == "boolean":
		v = true
	case schema.Type == "array":
		v = []any{}
	default:
		m := map[string]json.RawMessage{}
		for name, p := range schema.Properties {
			m[name] = json.RawMessage(instance(p))
		}
		v = m
	}
	out, err := json.Marshal(v)
	if err != nil {
		return "{}"
	}
	return string(out)
}

// answer writes the answer of a call, in the form of its path.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a *account, path string, in *asked, u usage) {
	out := stream{w: w, wait: func() bool { return s.pause(r, s.cfg.Latency/10) }}
	said := replyTo(in, u)
	switch path {
	case "/chat/completions":
		if in.Stream {
			out.chat(in, said, u)
			return
		}
		writeJSON(w, http.StatusOK, chatOf(in.Model, said, u))
	case "/completions":
		writeJSON(w, http.StatusOK, object{"id": "cmpl-fake", "object": "text_completion", "created": 1, "model": in.Model, "choices": []any{object{"index": 0, "text": said.text, "finish_reason": "stop", "logprobs": nil}}, "usage": u.chat()})
	case "/responses", "/responses/compact":
		id, ok := a.keep(in.Previous)
		if !ok {
			writeJSON(w, http.StatusBadRequest, object{"error": object{"message": fmt.Sprintf("Previous response with id '%s' not found.", in.Previous), "type": "invalid_request_error", "param": "previous_response_id", "code": "previous_response_not_found"}})
			return
		}
		if in.Stream {
			out.responses(id, in, said, u)
			return
		}
		writeJSON(w, http.StatusOK, responseOf(id, in.Previous, in.Model, said.text, &said, u, "completed"))
	case "/messages":
		if in.Stream {
			out.messages(in, said, u)
			return
		}
		writeJSON(w, http.StatusOK, messageOf(in.Model, said, u))
	case "/embeddings":
		writeJSON(w, http.StatusOK, object{"object": "list", "model": in.Model, "data": embeddings(in.Input), "usage": object{"prompt_tokens": u.in, "total_tokens": u.in}})
	case "/moderations":
		writeJSON(w, http.StatusOK, object{"id": "modr-fake", "model": in.Model, "results": []any{object{"flagged": false, "categories": object{}, "category_scores": object{}}}})
	case "/images/generations", "/images/edits", "/images/variations":
		writeJSON(w, http.StatusOK, object{"created": 1, "data": []any{object{"b64_json": "iVBORw0KGgo="}}, "usage": u.responses()})
	case "/audio/speech":
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write([]byte("ID3 fake"))
	case "/audio/transcriptions", "/audio/translations":
		writeJSON(w, http.StatusOK, object{"text": text(5)})
	case "/rerank":
		writeJSON(w, http.StatusOK, object{"id": "rerank-fake", "results": []any{object{"index": 0, "relevance_score": 0.5}}})
	default:
		fault(w, http.StatusNotFound, "invalid_request_error", fmt.Sprintf("Unknown request URL: %s %s", r.Method, path))
	}
}

func embeddings(input json.RawMessage) []any {
	n := 1
	var list []json.RawMessage
	if json.Unmarshal(input, &list) == nil && len(list) > 0 && (list[0][0] == '"' || list[0][0] == '[') {
		n = len(list)
	}
	var out []any
	for i := range n {
		out = append(out, object{"object": "embedding", "index": i, "embedding": []float64{0.25, 0.5, float64(i)}})
	}
	return out
}

func chatOf(model string, said reply, u usage) object {
	message, reason := object{"role": "assistant", "content": said.text, "refusal": nil}, "stop"
	if said.tool != "" {
		message["content"], reason = nil, "tool_calls"
		message["tool_calls"] = []any{object{"id": "call_fake", "type": "function", "function": object{"name": said.tool, "arguments": said.arguments}}}
	}
	return object{"id": "chatcmpl-fake", "object": "chat.completion", "created": time.Now().Unix(), "model": model, "choices": []any{object{"index": 0, "message": message, "logprobs": nil, "finish_reason": reason}}, "usage": u.chat()}
}

// item is what a response puts out.
func item(said *reply, words string) object {
	if said != nil && said.tool != "" {
		return object{"type": "function_call", "id": "fc_fake", "call_id": "call_fake", "name": said.tool, "arguments": said.arguments, "status": "completed"}
	}
	return object{"type": "message", "id": "msg_fake", "role": "assistant", "status": "completed", "content": []any{object{"type": "output_text", "text": words, "annotations": []any{}}}}
}

func responseOf(id, before, model, words string, said *reply, u usage, status string) object {
	var previous any
	if before != "" {
		previous = before
	}
	out := object{
		"id": id, "object": "response", "created_at": time.Now().Unix(), "status": status, "model": model, "previous_response_id": previous, "error": nil, "incomplete_details": nil, "instructions": nil,
		"metadata": object{}, "parallel_tool_calls": true, "temperature": 1, "tool_choice": "auto", "tools": []any{}, "top_p": 1, "output": []any{}, "usage": nil,
	}
	if status == "completed" {
		out["output"], out["usage"] = []any{item(said, words)}, u.responses()
	}
	return out
}

func messageOf(model string, said reply, u usage) object {
	content, reason := object{"type": "text", "text": said.text}, "end_turn"
	if said.tool != "" {
		content, reason = object{"type": "tool_use", "id": "toolu_fake", "name": said.tool, "input": json.RawMessage(said.arguments)}, "tool_use"
	}
	return object{"id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": []any{content}, "stop_reason": reason, "stop_sequence": nil, "usage": u.messages()}
}
