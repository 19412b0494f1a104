package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// The engine receives the tokens that came from a cache or went into one, and the
// deployment's profile decides what counts.
func TestCachedTokens(t *testing.T) {
	const (
		events = "text/event-stream"
		plain  = "application/json"
	)
	anthropic, _ := provider.Preset("anthropic", "")
	groq, _ := provider.Preset("groq", "")
	priority := provider.Profile{Weights: provider.Weights{Input: 1, CachedInput: 0.1, CacheWrite: 1.25, Output: 1}}
	whole := provider.Profile{Weights: provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1, Output: 1}}
	message := `{"usage":{"input_tokens":100,"cache_read_input_tokens":5000,"cache_creation_input_tokens":400,"output_tokens":20}}`
	completion := `{"usage":{"prompt_tokens":3000,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":2048}}}`
	tests := []struct {
		name, path, typ, body string
		profile               provider.Profile
		want                  engine.Usage
		counted               int64
	}{
		{"chat", "/chat/completions", plain, completion, provider.Profile{}, engine.Usage{InputTokens: 3000, OutputTokens: 20, CachedInputTokens: 2048}, 3020},
		{"chat where cached input is free", "/chat/completions", plain, completion, groq, engine.Usage{InputTokens: 3000, OutputTokens: 20, CachedInputTokens: 2048}, 972},
		{"chat stream", "/chat/completions", events, `data: {"choices":[{}],` + completion[1:] + "\n\ndata: [DONE]\n\n", groq, engine.Usage{InputTokens: 3000, OutputTokens: 20, CachedInputTokens: 2048}, 972},
		{"more cached than there was", "/chat/completions", plain, `{"usage":{"prompt_tokens":30,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":2048}}}`, groq, engine.Usage{InputTokens: 30, OutputTokens: 20, CachedInputTokens: 30}, 20},
		{"details that are none", "/chat/completions", plain, `{"usage":{"prompt_tokens":30,"completion_tokens":20,"prompt_tokens_details":[7]}}`, groq, engine.Usage{InputTokens: 30, OutputTokens: 20}, 50},
		{
			"Anthropic in OpenAI's form", "/chat/completions", plain,
			`{"usage":{"prompt_tokens":5500,"completion_tokens":20,"cache_read_input_tokens":5000,"cache_creation_input_tokens":400}}`, anthropic,
			engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400},
			520,
		},
		{"written to a cache (OpenRouter)", "/chat/completions", plain, `{"usage":{"prompt_tokens":5500,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":5000,"cache_write_tokens":400}}}`, priority, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 1120},
		{"written to a cache (LiteLLM)", "/chat/completions", plain, `{"usage":{"prompt_tokens":5500,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":5000,"cache_creation_tokens":400}}}`, priority, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 1120},
		{"written to a cache by a response", "/responses", plain, `{"usage":{"input_tokens":5500,"output_tokens":20,"input_tokens_details":{"cached_tokens":5000,"cache_write_tokens":400}}}`, priority, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 1120},
		{"response", "/responses", plain, `{"usage":{"input_tokens":3000,"output_tokens":20,"input_tokens_details":{"cached_tokens":2048}}}`, groq, engine.Usage{InputTokens: 3000, OutputTokens: 20, CachedInputTokens: 2048}, 972},
		{"message", "/messages", plain, message, anthropic, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 520},
		{"message, plain", "/messages", plain, message, provider.Profile{}, engine.Usage{InputTokens: 500, OutputTokens: 20, CacheWriteTokens: 400}, 520},
		{"message, every token as one", "/messages", plain, message, whole, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 5520},
		{"message, priority tier", "/messages", plain, message, priority, engine.Usage{InputTokens: 5500, OutputTokens: 20, CachedInputTokens: 5000, CacheWriteTokens: 400}, 1120},
		{
			"message stream", "/messages", events, "event: message_start\ndata: {\"message\":" + message + "}\n\n" +
				"event: message_delta\ndata: {\"usage\":{\"input_tokens\":100,\"output_tokens\":35}}\n\nevent: message_stop\ndata: {}\n\n",
			anthropic,
			engine.Usage{InputTokens: 5500, OutputTokens: 35, CachedInputTokens: 5000, CacheWriteTokens: 400},
			535,
		},
		{
			"message stream with late usage", "/messages", events, "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":100,\"output_tokens\":1}}}\n\n" +
				"event: message_delta\ndata: {\"usage\":{\"cache_read_input_tokens\":5000,\"output_tokens\":35}}\n\nevent: message_stop\ndata: {}\n\n",
			anthropic,
			engine.Usage{InputTokens: 5100, OutputTokens: 35, CachedInputTokens: 5000},
			135,
		},
		{"all from the cache", "/messages", plain, `{"usage":{"input_tokens":0,"cache_read_input_tokens":5000,"output_tokens":0}}`, anthropic, engine.Usage{InputTokens: 5000, CachedInputTokens: 5000}, 0},
		{"more than can be", "/messages", plain, `{"usage":{"input_tokens":5,"cache_read_input_tokens":9223372036854775807,"output_tokens":1}}`, anthropic, engine.Usage{InputTokens: 5, OutputTokens: 1}, 6},
		{"as much as can be", "/messages", plain, `{"usage":{"input_tokens":268435456,"cache_read_input_tokens":268435456,"output_tokens":268435456}}`, anthropic, engine.Usage{InputTokens: 1 << 29, OutputTokens: 1 << 28, CachedInputTokens: 1 << 28}, 1 << 29},
		{"negative", "/messages", plain, `{"usage":{"input_tokens":5,"cache_read_input_tokens":-3,"output_tokens":1}}`, anthropic, engine.Usage{InputTokens: 5, OutputTokens: 1}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := transport.OpenAI
			if tt.path == "/messages" {
				api = transport.Anthropic
			}
			b := newBench(t, change{api: api, profile: tt.profile}, answers(200, tt.body, "Content-Type", tt.typ))
			_, text := b.post(t, tt.path, streamedChat)
			require.Equal(t, tt.body, text)
			got := b.attempts()
			require.Len(t, got, 1)
			require.Equal(t, tt.want, got[0].Usage)
			require.True(t, got[0].Reported)
			require.Equal(t, tt.counted, b.state(t, "a").Limit(engine.LimitTPM).Used)
			b.atRest(t)
		})
	}
}
