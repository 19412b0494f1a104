package transport

import (
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// usage is what a provider has said about the tokens of a call; -1 = nothing.
type usage struct{ input, output int64 }

var noUsage = usage{-1, -1}

// merge takes over what a later report says.
func (u *usage) merge(later usage) {
	if later.input >= 0 {
		u.input = later.input
	}
	if later.output >= 0 {
		u.output = later.output
	}
}

func (u usage) known() bool { return u.input >= 0 || u.output >= 0 }

// parseUsage reads a usage object of any of the APIs. A count that is missing,
// negative or no whole number was not said.
//
// OpenAI's input includes what came from its cache
// (https://platform.openai.com/docs/guides/prompt-caching). Anthropic's
// input_tokens leaves out what was read from or written to the cache; reads do
// not count against its limits, writes do
// (https://platform.claude.com/docs/en/api/rate-limits), so writes are added.
func parseUsage(raw json.RawMessage) usage {
	var w struct {
		Prompt     json.RawMessage `json:"prompt_tokens"`
		Completion json.RawMessage `json:"completion_tokens"`
		Input      json.RawMessage `json:"input_tokens"`
		Output     json.RawMessage `json:"output_tokens"`
		Written    json.RawMessage `json:"cache_creation_input_tokens"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return noUsage
	}
	u := usage{said(w.Prompt), said(w.Completion)}
	u.merge(usage{said(w.Input), said(w.Output)})
	if n := said(w.Written); n > 0 && u.input >= 0 {
		u.input = min(u.input+n, engine.MaxCount)
	}
	return u
}

// said returns a count, -1 if there is none.
func said(raw json.RawMessage) int64 {
	var n *int64
	if len(raw) == 0 || json.Unmarshal(raw, &n) != nil || n == nil || *n < 0 {
		return -1
	}
	return min(*n, engine.MaxCount)
}
