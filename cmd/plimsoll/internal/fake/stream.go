package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// stream writes an answer as events.
type stream struct {
	w     http.ResponseWriter
	wait  func() bool // between two pieces; false if the client has gone
	begun bool
}

// send writes an event; name "" = it has none.
func (s *stream) send(name string, v any) {
	if !s.begun {
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.begun = true
	}
	data, ok := v.(string)
	if !ok {
		text, err := json.Marshal(v)
		if err != nil {
			return // cannot happen
		}
		data = string(text)
	}
	if name != "" {
		_, _ = fmt.Fprintf(s.w, "event: %s\n", name)
	}
	_, _ = fmt.Fprintf(s.w, "data: %s\n\n", data)
	_ = http.NewResponseController(s.w).Flush()
}

// pieces cuts a text into at most ten.
func pieces(text string) []string {
	fields := strings.SplitAfter(text, " ")
	n := min(10, len(fields))
	out := make([]string, n)
	for i := range n {
		out[i] = strings.Join(fields[len(fields)*i/n:len(fields)*(i+1)/n], "")
	}
	return out
}

func (s *stream) chat(in *asked, said reply, u usage) {
	chunk := func(choices []any, usage any) {
		v := object{"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": in.Model, "choices": choices}
		if in.StreamOptions.IncludeUsage {
			v["usage"] = usage
		}
		s.send("", v)
	}
	delta := func(d object, reason any) {
		chunk([]any{object{"index": 0, "delta": d, "finish_reason": reason}}, nil)
	}
	delta(object{"role": "assistant", "content": ""}, nil)
	reason := "stop"
	if said.tool != "" {
		reason = "tool_calls"
		delta(object{"tool_calls": []any{object{"index": 0, "id": "call_fake", "type": "function", "function": object{"name": said.tool, "arguments": said.arguments}}}}, nil)
	} else {
		for _, p := range pieces(said.text) {
			if !s.wait() {
				return
			}
			delta(object{"content": p}, nil)
		}
	}
	delta(object{}, reason)
	if in.StreamOptions.IncludeUsage {
		chunk([]any{}, u.chat())
	}
	s.send("", "[DONE]")
}

func (s *stream) responses(id string, in *asked, said reply, u usage) {
	n := 0
	event := func(kind string, v object) {
		v["type"], v["sequence_number"] = kind, n
		n++
		s.send(kind, v)
	}
	event("response.created", object{"response": responseOf(id, in.Previous, in.Model, "", nil, u, "in_progress")})
	event("response.in_progress", object{"response": responseOf(id, in.Previous, in.Model, "", nil, u, "in_progress")})
	done := item(&said, said.text)
	begun := maps.Clone(done)
	begun["status"] = "in_progress"
	if said.tool != "" {
		begun["arguments"] = ""
		event("response.output_item.added", object{"output_index": 0, "item": begun})
		event("response.function_call_arguments.delta", object{"output_index": 0, "item_id": "fc_fake", "delta": said.arguments})
		event("response.function_call_arguments.done", object{"output_index": 0, "item_id": "fc_fake", "arguments": said.arguments})
	} else {
		begun["content"] = []any{}
		at := func(v object) object {
			v["output_index"], v["content_index"], v["item_id"] = 0, 0, "msg_fake"
			return v
		}
		event("response.output_item.added", object{"output_index": 0, "item": begun})
		event("response.content_part.added", at(object{"part": object{"type": "output_text", "text": "", "annotations": []any{}}}))
		for _, p := range pieces(said.text) {
			if !s.wait() {
				return
			}
			event("response.output_text.delta", at(object{"delta": p, "logprobs": []any{}}))
		}
		event("response.output_text.done", at(object{"text": said.text, "logprobs": []any{}}))
		event("response.content_part.done", at(object{"part": object{"type": "output_text", "text": said.text, "annotations": []any{}}}))
	}
	event("response.output_item.done", object{"output_index": 0, "item": done})
	event("response.completed", object{"response": responseOf(id, in.Previous, in.Model, said.text, &said, u, "completed")})
}

func (s *stream) messages(in *asked, said reply, u usage) {
	event := func(kind string, v object) {
		v["type"] = kind
		s.send(kind, v)
	}
	start := messageOf(in.Model, reply{}, usage{in: u.in, out: 1})
	start["content"], start["stop_reason"] = []any{}, nil
	event("message_start", object{"message": start})
	reason := "end_turn"
	if said.tool != "" {
		reason = "tool_use"
		event("content_block_start", object{"index": 0, "content_block": object{"type": "tool_use", "id": "toolu_fake", "name": said.tool, "input": object{}}})
		event("content_block_delta", object{"index": 0, "delta": object{"type": "input_json_delta", "partial_json": said.arguments}})
	} else {
		event("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
		for _, p := range pieces(said.text) {
			if !s.wait() {
				return
			}
			event("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": p}})
		}
	}
	event("content_block_stop", object{"index": 0})
	event("message_delta", object{"delta": object{"stop_reason": reason, "stop_sequence": nil}, "usage": object{"output_tokens": u.out}})
	event("message_stop", object{})
}
