package transport_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Prompts of any form are estimated; what is malformed counts as text.
func TestEstimates(t *testing.T) {
	schema := `{"type":"object","properties":{"city":{"type":"string"}}}`
	tests := []struct {
		name, path, body string
		low, high        int64
	}{
		{"text", "/chat/completions", plainChat, 9, 14},
		{"parts", "/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"text","text":"Hello. out=40"}]}]}`, 9, 14},
		{"image", "/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", 50_000) + `"}}]}]}`, 765, 780},
		{"image at low detail", "/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":"low"}}]}]}`, 85, 95},
		{"tools", "/chat/completions", `{"model":"chat","messages":[],"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]}`, 25, 50},
		{"tools with nonsense", "/chat/completions", `{"model":"chat","messages":[],"tools":[{"type":"function","function":{"name":"weather","parameters":7}}]}`, 20, 60},
		{"messages are a text", "/chat/completions", `{"model":"chat","messages":"Hello there, how are you?"}`, 8, 20},
		{"content is a number", "/chat/completions", `{"model":"chat","messages":[{"role":"user","content":12345}]}`, 5, 14},
		{"no messages", "/chat/completions", `{"model":"chat"}`, 3, 3},
		{"instructions and items", "/responses", `{"model":"chat","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"Hello"}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"sunny"}]}`, 18, 35},
		{"a system of parts", "/messages", `{"model":"chat","system":[{"type":"text","text":"Be brief."}],"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"sunny"}]}]}],"tools":[{"name":"weather","input_schema":` + schema + `}]}`, 35, 70},
		{"parts in parts without end", "/messages", `{"model":"chat","messages":[{"role":"user","content":` + strings.Repeat(`[{"type":"tool_result","content":`, 2000) + `"` + strings.Repeat("word ", 100_000) + `"` + strings.Repeat("}]", 2000) + `}]}`, 100_000, 200_000},
		{"texts to embed", "/embeddings", `{"model":"chat","input":["one","two","three"]}`, 3, 4},
		{"a text to embed", "/embeddings", `{"model":"chat","input":"one"}`, 1, 1},
		{"tokens to embed", "/embeddings", `{"model":"chat","input":[1,2,3,4,5]}`, 5, 5},
		{"lists of tokens to embed", "/embeddings", `{"model":"chat","input":[[1,2],[3]]}`, 3, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var api transport.API
			if tt.path == "/messages" {
				api = transport.Anthropic
			}
			const output = 256 // what the engine assumes
			b := newBench(t, change{api: api}, answers(200, ""))
			b.post(t, tt.path, tt.body)
			got := b.attempts()[0].Reserved
			if tt.path != "/embeddings" {
				got -= output
			}
			require.GreaterOrEqual(t, got, tt.low)
			require.LessOrEqual(t, got, tt.high)
		})
	}
	t.Run("a cap on the output", func(t *testing.T) {
		for _, name := range []string{"max_tokens", "max_completion_tokens"} {
			b := newBench(t, change{}, answers(200, ""))
			b.post(t, "/chat/completions", `{"model":"chat","messages":[],"`+name+`":20}`)
			require.Equal(t, int64(3+20), b.attempts()[0].Reserved)
		}
	})
}
