package transport

import (
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// usage is what a provider has said about the tokens of a call; -1 = nothing.
type usage struct {
	input, output int64
	cached        int64 // input read from a cache
	written       int64 // input written to one
	apart         bool  // neither is part of input
}

var noUsage = usage{input: -1, output: -1, cached: -1, written: -1}

// merge takes over what a later report says.
func (u *usage) merge(later usage) {
	if later.input >= 0 {
		u.input = later.input
	}
	if later.output >= 0 {
		u.output = later.output
	}
	if later.cached >= 0 {
		u.cached = later.cached
	}
	if later.written >= 0 {
		u.written = later.written
	}
	u.apart = u.apart || later.apart
}

func (u usage) known() bool { return u.input >= 0 || u.output >= 0 }

// some reports whether a token was told.
func (u usage) some() bool {
	return u.input > 0 || u.output > 0 || u.input == 0 && u.apart && max(u.cached, u.written) > 0
}

// of returns the usage as the engine takes it; input and output stand in for what
// was not told. What was read from a cache and stands apart is left out where the
// deployment's profile weighs nothing: such providers do not count it, and a plain
// profile would count it as any other token.
func (u usage) of(r engine.Ref, input, output int64) engine.Usage {
	out := engine.Usage{InputTokens: u.input, OutputTokens: u.output}
	if u.output < 0 {
		out.OutputTokens = output
	}
	if u.input < 0 {
		out.InputTokens = input
		return out
	}
	out.CachedInputTokens, out.CacheWriteTokens = max(u.cached, 0), max(u.written, 0)
	switch {
	case !u.apart:
		out.CachedInputTokens = min(out.CachedInputTokens, u.input)
		out.CacheWriteTokens = min(out.CacheWriteTokens, u.input-out.CachedInputTokens)
		return out
	case u.cached > 0 && r.Profile().Weights == provider.Weights{}:
		out.CachedInputTokens = 0
	}
	out.CachedInputTokens = min(out.CachedInputTokens, engine.MaxCount-out.InputTokens)
	out.InputTokens += out.CachedInputTokens
	out.CacheWriteTokens = min(out.CacheWriteTokens, engine.MaxCount-out.InputTokens)
	out.InputTokens += out.CacheWriteTokens
	return out
}

// parseUsage reads a usage object of any of the APIs. A count that is missing,
// negative or no whole number was not said.
//
// OpenAI's input includes what came from its cache
// (https://platform.openai.com/docs/guides/prompt-caching). Anthropic's
// input_tokens leaves out what was read from or written to the cache
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching); gateways
// that answer for it in OpenAI's form have prompt_tokens, which includes both.
func parseUsage(raw json.RawMessage) usage {
	type details struct {
		Cached json.RawMessage `json:"cached_tokens"`
	}
	var w struct {
		Prompt        json.RawMessage `json:"prompt_tokens"`
		Completion    json.RawMessage `json:"completion_tokens"`
		Input         json.RawMessage `json:"input_tokens"`
		Output        json.RawMessage `json:"output_tokens"`
		Read          json.RawMessage `json:"cache_read_input_tokens"`
		Written       json.RawMessage `json:"cache_creation_input_tokens"`
		PromptDetails json.RawMessage `json:"prompt_tokens_details"`
		InputDetails  json.RawMessage `json:"input_tokens_details"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return noUsage
	}
	u := usage{input: said(w.Prompt), output: said(w.Completion), cached: said(w.Read), written: said(w.Written)}
	u.apart = u.input < 0 && max(u.cached, u.written) >= 0
	u.merge(usage{input: said(w.Input), output: said(w.Output), cached: -1, written: -1})
	for _, d := range []json.RawMessage{w.PromptDetails, w.InputDetails} {
		var in details
		if len(d) > 0 && u.cached < 0 && json.Unmarshal(d, &in) == nil {
			u.cached = said(in.Cached)
		}
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
