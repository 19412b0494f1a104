package transport

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// usage is what a provider has reported about the tokens of a call; -1 = nothing.
type usage struct {
	input, output int64
	total         int64 // of both, and of what neither names
	cached        int64 // input read from a cache
	written       int64 // input written to one
	apart         bool  // neither is part of input
}

var noUsage = usage{input: -1, output: -1, total: -1, cached: -1, written: -1}

// merge takes over what a later report says. A zero is no report where an earlier one
// was more: some providers fill what they do not know with zeros.
func (u *usage) merge(later usage) {
	for _, f := range [...]struct {
		to   *int64
		from int64
	}{{&u.input, later.input}, {&u.output, later.output}, {&u.total, later.total}, {&u.cached, later.cached}, {&u.written, later.written}} {
		if f.from > 0 || f.from == 0 && *f.to < 0 {
			*f.to = f.from
		}
	}
	u.apart = u.apart || later.apart
}

func (u usage) known() bool { return u.input >= 0 || u.output >= 0 || u.total >= 0 }

// some reports whether a token was reported.
func (u usage) some() bool {
	return u.input > 0 || u.output > 0 || u.total > 0 || u.apart && max(u.cached, u.written) > 0
}

// prompt returns the whole prompt as billed, what came from a cache included; 0 if it
// was not reported.
func (u usage) prompt() int64 {
	if !u.apart {
		return max(u.input, 0)
	}
	return max(u.input, 0) + max(u.cached, 0) + max(u.written, 0)
}

// parts returns input and output. What was not reported follows from the total, or else
// is the estimate. An input of 0 beside an output was not reported, unless all of it
// came from a cache.
func (u usage) parts(input, output int64) (in, out int64) {
	in, out = u.input, u.output
	if in == 0 && out > 0 && !(u.apart && max(u.cached, u.written) > 0) {
		in = -1
	}
	switch {
	case in >= 0 && out >= 0:
	case in < 0 && out < 0 && u.total > 0:
		in = min(max(input, 0), u.total)
		out = u.total - in
	case in < 0 && out >= 0 && u.total > out:
		in = u.total - out
	case in < 0 && out >= 0:
		in = input
	case in < 0:
		in, out = input, output
	case u.total >= in:
		out = u.total - in
	default:
		out = output
	}
	return in, out
}

// of returns the usage as the engine takes it; input and output stand in for what
// was not reported. What was read from a cache and stands apart is left out where the
// deployment's profile weighs nothing: such providers do not count it, and a plain
// profile would count it as any other token.
func (u usage) of(r engine.Ref, input, output int64) engine.Usage {
	var out engine.Usage
	out.InputTokens, out.OutputTokens = u.parts(input, output)
	if u.input < 0 && !u.apart {
		return out
	}
	out.CachedInputTokens, out.CacheWriteTokens = max(u.cached, 0), max(u.written, 0)
	switch {
	case !u.apart:
		out.CachedInputTokens = min(out.CachedInputTokens, max(out.InputTokens, 0))
		out.CacheWriteTokens = min(out.CacheWriteTokens, max(out.InputTokens, 0)-out.CachedInputTokens)
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

// parseUsage reads a usage object of any of the APIs. A count that is missing, negative,
// no number or beyond mostReported was not reported; of two names for one thing the larger counts.
//
// OpenAI's input includes what came from its cache
// (https://platform.openai.com/docs/guides/prompt-caching) and was written to one
// (https://openrouter.ai/docs/use-cases/usage-accounting). Anthropic's
// input_tokens leaves out what was read from or written to the cache
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching); gateways
// that answer for it in OpenAI's form have prompt_tokens, which includes both.
//
// OpenAI's output includes reasoning. xAI and Gemini's OpenAI API leave it out of the
// completion, and only the total has it; Mistral leaves audio out of the prompt.
func parseUsage(raw json.RawMessage) usage {
	u := noUsage
	if !wire.Valid(raw) {
		return u
	}
	prompt, details, writes, reasoning, audio, steps := int64(-1), int64(-1), int64(-1), int64(0), false, noUsage
	for name, v := range wire.Members(raw) {
		switch name {
		case "prompt_tokens":
			prompt = reported(v)
			u.input = max(u.input, prompt)
		case "input_tokens":
			u.input = max(u.input, reported(v))
		case "completion_tokens", "output_tokens":
			u.output = max(u.output, reported(v))
		case "total_tokens":
			u.total = reported(v)
		case "cache_read_input_tokens":
			u.cached = reported(v)
		case "cache_creation_input_tokens":
			u.written = reported(v)
		case "prompt_cache_hit_tokens", "cached_tokens": // DeepSeek, Moonshot
			details = max(details, reported(v))
		case "iterations":
			steps = stepsOf(v)
		case "prompt_audio_seconds":
			audio = true
		case "prompt_tokens_details", "input_tokens_details":
			details = max(details, reported(wire.Get(v, "cached_tokens")))
			writes = max(writes, reported(wire.Get(v, "cache_write_tokens")), reported(wire.Get(v, "cache_creation_tokens")))
		case "completion_tokens_details", "output_tokens_details":
			reasoning = max(reasoning, reported(wire.Get(v, "reasoning_tokens")))
		}
	}
	u.input, u.output = max(u.input, steps.input), max(u.output, steps.output)
	u.cached, u.written = max(u.cached, steps.cached), max(u.written, steps.written)
	u.apart = prompt <= 0 && max(u.cached, u.written) >= 0
	if u.cached < 0 {
		u.cached = details
	}
	if u.written < 0 {
		u.written = writes
	}
	if u.output >= 0 && reasoning > u.output && u.total < 0 {
		u.output += reasoning // it cannot be a part of it
	}
	u.complete(audio)
	return u
}

// stepsOf returns the sum of the steps of a message. Where Anthropic has compacted the
// conversation before it answered, the step that did so is in no other count; steps by an
// advisor are of another model
// (https://platform.claude.com/docs/en/build-with-claude/compaction,
// https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool).
func stepsOf(list json.RawMessage) usage {
	sum := noUsage
	for step := range wire.Elements(list) {
		if kind := wire.Unquote(wire.Get(step, "type")); kind != "message" && kind != "compaction" {
			continue
		}
		for name, to := range map[string]*int64{
			"input_tokens": &sum.input, "output_tokens": &sum.output,
			"cache_read_input_tokens": &sum.cached, "cache_creation_input_tokens": &sum.written,
		} {
			if n := reported(wire.Get(step, name)); n >= 0 && max(*to, 0)+n <= mostReported {
				*to = max(*to, 0) + n
			}
		}
	}
	return sum
}

// complete adds what only the total has to the output, or to the input of audio.
func (u *usage) complete(audio bool) {
	if u.input <= 0 || u.output < 0 || u.total < 0 {
		return
	}
	sum := u.input + u.output
	if u.apart {
		sum += max(u.cached, 0) + max(u.written, 0)
	}
	switch more := u.total - sum; {
	case more <= 0:
	case audio:
		u.input += more
	default:
		u.output += more
	}
}

// mostReported is the largest number that is taken for a count of tokens: a model reads and
// writes some million in one call. What is larger is often -1, for unknown, as an unsigned number;
// where limits refill, it would keep a deployment from all calls for weeks.
const mostReported = 1 << 28

// reported returns a count of a usage; -1 if there is none that can be.
func reported(raw json.RawMessage) int64 {
	if n := count(raw); n <= mostReported {
		return n
	}
	return -1
}

// count returns a JSON number as a count of tokens, or one in a text, rounded up; -1 if
// there is none.
func count(raw json.RawMessage) int64 {
	text := wire.Raw(raw)
	switch {
	case len(text) == 0:
		return -1
	case text[0] == '"':
		text = strings.TrimSpace(wire.Unquote(raw))
	case text[0] < '0' || text[0] > '9':
		return -1 // a failed attempt to read it would allocate
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || !(n >= 0) { // beyond the range is infinite
		return -1
	}
	return int64(math.Ceil(min(n, float64(engine.MaxCount))))
}
