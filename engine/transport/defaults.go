package transport

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// maxOutputNames are the members by which APIs name the most output of an answer.
var maxOutputNames = []string{"max_tokens", "max_completion_tokens", "max_output_tokens"}

// newDefaults returns an endpoint's defaults as members of a body, in order of their
// names, by operation.
func newDefaults(members map[string]json.RawMessage) map[operation][]wire.Value {
	if len(members) == 0 {
		return nil
	}
	out := map[operation][]wire.Value{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text := members[name]
		for _, op := range []operation{chat, completions, messages, responses, embeddings} {
			if v, ok := defaultOf(op, name, text); ok {
				out[op] = append(out[op], v)
			}
		}
	}
	return out
}

// defaultOf returns a default as an operation has it; false if it has none of the
// kind. The Responses API names some members otherwise than chats do.
func defaultOf(op operation, name string, text json.RawMessage) (wire.Value, bool) {
	forEmbeddings := name == "dimensions" || name == "encoding_format"
	switch {
	case name == "user":
	case op == embeddings != forEmbeddings && slices.Contains(chatMembers, name) || op != embeddings && forEmbeddings:
		return wire.Value{}, false
	case op == responses && slices.Contains(maxOutputNames, name):
		name = "max_output_tokens"
	case op == responses && name == "reasoning_effort":
		name, text = "reasoning", json.RawMessage(`{"effort":`+string(text)+`}`)
	case op == responses && slices.Contains(notOfResponses, name):
		return wire.Value{}, false
	}
	return wire.Value{Name: name, Text: text}, true
}

// chatMembers are members of chats that embeddings do not have, notOfResponses those
// that the Responses API does not have.
var (
	chatMembers = []string{
		"temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "seed", "stop",
		"presence_penalty", "frequency_penalty", "response_format", "thinking", "service_tier", "parallel_tool_calls",
	}
	notOfResponses = []string{"seed", "stop", "presence_penalty", "frequency_penalty", "response_format", "thinking"}
)

// missing appends the endpoint's defaults that a body does not have itself. A body
// that names the most output by any name keeps its own.
func (q *request) missing(values []wire.Value, p *place) []wire.Value {
	for _, v := range p.defaults[q.op] {
		names := []string{v.Name}
		if slices.Contains(maxOutputNames, v.Name) {
			names = maxOutputNames
		}
		given := slices.ContainsFunc(names, func(name string) bool { return wire.Get(q.body.Text, name) != nil })
		if !given && !slices.ContainsFunc(values, func(o wire.Value) bool { return o.Name == v.Name }) {
			values = append(values, v)
		}
	}
	return values
}

// addHeaders sets the endpoint's own headers where the client has none.
func (p *place) addHeaders(h http.Header) {
	for name, values := range p.Headers {
		if canonical := http.CanonicalHeaderKey(name); len(h[canonical]) == 0 {
			h[canonical] = values
		}
	}
}

// model returns what the provider calls the model for a request: with an asterisk,
// that which the asterisk of the group's name stands for.
func (p *place) model(q *request) string {
	if q.wild == "" || !strings.Contains(p.Model, "*") {
		return p.Model
	}
	return strings.Replace(p.Model, "*", q.wild, 1)
}
