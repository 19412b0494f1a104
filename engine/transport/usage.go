package transport

import (
	"encoding/json"
	"strconv"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
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
	u := noUsage
	if !wire.Valid(raw) {
		return u
	}
	prompt := false
	details := int64(-1)
	for name, v := range wire.Members(raw) {
		n := said(v)
		switch name {
		case "prompt_tokens":
			prompt = n >= 0
			u.merge(usage{input: n, output: -1, cached: -1, written: -1})
		case "input_tokens":
			u.merge(usage{input: n, output: -1, cached: -1, written: -1})
		case "completion_tokens", "output_tokens":
			u.merge(usage{input: -1, output: n, cached: -1, written: -1})
		case "cache_read_input_tokens":
			u.cached = n
		case "cache_creation_input_tokens":
			u.written = n
		case "prompt_tokens_details", "input_tokens_details":
			for name, v := range wire.Members(v) {
				if name == "cached_tokens" {
					details = said(v)
				}
			}
		}
	}
	u.apart = !prompt && max(u.cached, u.written) >= 0
	if u.cached < 0 {
		u.cached = details
	}
	return u
}

// said returns a count, -1 if there is none.
func said(raw json.RawMessage) int64 {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return min(n, engine.MaxCount)
}
