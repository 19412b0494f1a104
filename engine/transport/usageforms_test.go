package transport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// longChat is a prompt of about 900 tokens.
var longChat = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 90)

// Usage in the forms that providers and gateways have for it, recorded in public
// collections of exchanges, in an answer and in a stream. -1 = the estimate of the
// prompt.
func TestUsageForms(t *testing.T) {
	for name, tt := range map[string]struct {
		usage   string
		in, out int64
	}{
		"plain":                              {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}`, 1000, 200},
		"both names, the second zero":        {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"input_tokens":0,"output_tokens":0,"input_tokens_details":null}`, 1000, 200},
		"both names, the first zero":         {`{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"input_tokens":1000,"output_tokens":200}`, 1000, 200},
		"both names, the larger counts":      {`{"input_tokens":900,"prompt_tokens":1000,"output_tokens":200,"completion_tokens":100}`, 1000, 200},
		"input zero":                         {`{"prompt_tokens":0,"completion_tokens":200,"total_tokens":200}`, -1, 200},
		"input missing":                      {`{"completion_tokens":200}`, -1, 200},
		"input missing, total":               {`{"completion_tokens":200,"total_tokens":1200}`, 1000, 200},
		"input null, total":                  {`{"prompt_tokens":null,"completion_tokens":200,"total_tokens":1200}`, 1000, 200},
		"reasoning beside (xAI)":             {`{"prompt_tokens":1000,"completion_tokens":1,"total_tokens":1387,"completion_tokens_details":{"reasoning_tokens":386}}`, 1000, 387},
		"reasoning beside, no total":         {`{"prompt_tokens":1000,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":386}}`, 1000, 387},
		"reasoning within (OpenAI)":          {`{"prompt_tokens":1000,"completion_tokens":400,"completion_tokens_details":{"reasoning_tokens":386}}`, 1000, 400},
		"thoughts in the total (Gemini)":     {`{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}`, 35, 74},
		"total alone (Voyage)":               {`{"total_tokens":300}`, 300, 0},
		"audio (Mistral)":                    {`{"prompt_audio_seconds":203,"prompt_tokens":9,"completion_tokens":248,"total_tokens":632}`, 384, 248},
		"output missing":                     {`{"prompt_tokens":1000,"total_tokens":1200}`, 1000, 200},
		"output null":                        {`{"prompt_tokens":1000,"completion_tokens":null,"total_tokens":1200}`, 1000, 200},
		"output negative":                    {`{"prompt_tokens":1000,"completion_tokens":-50,"total_tokens":1200}`, 1000, 200},
		"output zero":                        {`{"prompt_tokens":1000,"completion_tokens":0,"total_tokens":1000}`, 1000, 0},
		"a total that is too small":          {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":7}`, 1000, 200},
		"whole numbers as floats":            {`{"prompt_tokens":1000.0,"completion_tokens":200.0,"total_tokens":1200.0}`, 1000, 200},
		"exponents":                          {`{"prompt_tokens":1e3,"completion_tokens":2.0E2}`, 1000, 200},
		"texts":                              {`{"prompt_tokens":"1000","completion_tokens":" 200 ","total_tokens":"1200"}`, 1000, 200},
		"nulls beside (OpenRouter)":          {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"cost":0.1,"prompt_tokens_details":null,"cost_details":{}}`, 1000, 200},
		"cache hits (DeepSeek)":              {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100}`, 1000, 200},
		"output -1 as 32 bits":               {`{"prompt_tokens":1000,"completion_tokens":4294967295,"total_tokens":1200}`, 1000, 200},
		"output -1 as 64 bits":               {`{"prompt_tokens":1000,"completion_tokens":18446744073709551615,"total_tokens":1200}`, 1000, 200},
		"input -1 as 32 bits":                {`{"prompt_tokens":4294967295,"completion_tokens":200}`, -1, 200},
		"a total of -1":                      {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":4294968495}`, 1000, 200},
		"input infinite":                     {`{"prompt_tokens":1e400,"completion_tokens":200}`, -1, 200},
		"more than can be, and what is none": {`{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":"many","x":[{}]}`, 1000, 200},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %t", name, stream), func(t *testing.T) {
				typ, body := "application/json", `{"choices":[{}],"usage":`+tt.usage+`}`
				if stream {
					typ, body = "text/event-stream", delta+`data: {"choices":[],"usage":`+tt.usage+"}\n\ndata: [DONE]\n\n"
				}
				b := newBench(t, change{}, answers(200, body, "Content-Type", typ))
				b.post(t, "/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"`+longChat+`"}]}`)
				got := b.attempts()[0]
				require.Equal(t, transport.Settled, got.Ending)
				require.True(t, got.Reported)
				require.Equal(t, tt.out, got.Usage.OutputTokens)
				if tt.in < 0 {
					require.InDelta(t, 900, got.Usage.InputTokens, 60)
				} else {
					require.Equal(t, tt.in, got.Usage.InputTokens)
				}
			})
		}
	}
}

// Usage that stands elsewhere.
func TestWhereUsageStands(t *testing.T) {
	const u = `{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}`
	for name, tt := range map[string]struct{ typ, body string }{
		"x_groq":             {"application/json", `{"choices":[],"usage":null,"x_groq":{"id":"r","usage":` + u + `}}`},
		"x_groq in a stream": {"text/event-stream", delta + `data: {"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":` + u + "}}\n\ndata: [DONE]\n\n"},
		"a choice":           {"text/event-stream", delta + `data: {"choices":[{"delta":{},"finish_reason":"stop","usage":` + u + "}]}\n\ndata: [DONE]\n\n"},
		"every chunk":        {"text/event-stream", `data: {"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1000,"completion_tokens":1}}` + "\n\n" + `data: {"choices":[],"usage":` + u + "}\n\ndata: [DONE]\n\n"},
		"zeros at the end":   {"text/event-stream", `data: {"choices":[{"delta":{"content":"x"}}],"usage":` + u + "}\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}` + "\n\ndata: [DONE]\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, answers(200, tt.body, "Content-Type", tt.typ))
			b.post(t, "/chat/completions", streamedChat)
			require.Equal(t, engine.Usage{InputTokens: 1000, OutputTokens: 200}, b.attempts()[0].Usage)
		})
	}
}

// What Anthropic's two reports of a stream make together.
func TestUsageOfMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		start, delta string
		want         int64 // -1 = the estimate and the output
	}{
		"plain":                         {`{"input_tokens":1000,"output_tokens":1}`, `{"output_tokens":200}`, 1200},
		"the delta says zero":           {`{"input_tokens":1000,"output_tokens":1}`, `{"input_tokens":0,"output_tokens":200}`, 1200},
		"the start says zero":           {`{"input_tokens":0,"output_tokens":0}`, `{"input_tokens":1000,"output_tokens":200}`, 1200},
		"no one says":                   {`{"input_tokens":0,"output_tokens":0}`, `{"output_tokens":200}`, -1},
		"reads of a cache do not count": {`{"input_tokens":100,"cache_read_input_tokens":900,"cache_creation_input_tokens":50,"output_tokens":1}`, `{"output_tokens":200}`, 350},
		"a conversation is compacted":   {`{"input_tokens":230,"output_tokens":1}`, `{"input_tokens":230,"output_tokens":10,"iterations":[{"type":"compaction","input_tokens":1800,"output_tokens":35},{"type":"message","input_tokens":230,"output_tokens":10}]}`, 2075},
		"and the delta has no input":    {`{"input_tokens":230,"output_tokens":1}`, `{"output_tokens":10,"iterations":[{"type":"compaction","input_tokens":1800,"output_tokens":35},{"type":"message","input_tokens":230,"output_tokens":10}]}`, 2075},
		"and writes a cache":            {`{"input_tokens":230,"output_tokens":1}`, `{"output_tokens":10,"iterations":[{"type":"compaction","input_tokens":1800,"cache_creation_input_tokens":7,"cache_read_input_tokens":900,"output_tokens":35},{"type":"message","input_tokens":230,"output_tokens":10}]}`, 2082},
		"an advisor of another model":   {`{"input_tokens":4,"output_tokens":1}`, `{"input_tokens":4,"output_tokens":946,"iterations":[{"type":"message","input_tokens":2,"output_tokens":833},{"type":"advisor_message","model":"m","input_tokens":90314,"output_tokens":5644},{"type":"message","input_tokens":2,"output_tokens":113}]}`, 950},
		"steps that are none":           {`{"input_tokens":4,"output_tokens":1}`, `{"output_tokens":9,"iterations":[null,5,{"type":"compaction"},{"type":"message","input_tokens":-7,"output_tokens":4294967295},"x"]}`, 13},
		"steps that are no list":        {`{"input_tokens":4,"output_tokens":1}`, `{"output_tokens":9,"iterations":{"type":"compaction","input_tokens":7}}`, 13},
		"the delta's caches are zero":   {`{"input_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":500,"output_tokens":1}`, `{"input_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"output_tokens":200}`, 800},
	} {
		for _, names := range []string{"event: %s\n", ""} {
			t.Run(name, func(t *testing.T) {
				event := func(name, data string) string {
					if names == "" {
						return "data: " + data + "\n\n"
					}
					return fmt.Sprintf(names, name) + "data: " + data + "\n\n"
				}
				body := event("message_start", `{"type":"message_start","message":{"usage":`+tt.start+`}}`) +
					event("content_block_delta", `{"type":"content_block_delta","delta":{"text":"x"}}`) +
					event("message_delta", `{"type":"message_delta","usage":`+tt.delta+`}`) + event("message_stop", `{"type":"message_stop"}`)
				b := newBench(t, change{api: transport.Anthropic}, answers(200, body, "Content-Type", "text/event-stream"))
				b.post(t, "/messages", `{"model":"chat","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"`+longChat+`"}]}`)
				got := b.attempts()[0]
				require.Equal(t, transport.Settled, got.Ending)
				sum := got.Usage.InputTokens + got.Usage.OutputTokens
				if tt.want < 0 {
					require.InDelta(t, 1100, sum, 60)
					return
				}
				require.Equal(t, tt.want, sum)
			})
		}
	}
}

// A stream without usage teaches nothing, and keeps its reservation.
func TestNoUsage(t *testing.T) {
	b := newBench(t, change{}, answers(200, strings.Repeat(delta, 30)+"data: [DONE]\n\n", "Content-Type", "text/event-stream"))
	before := b.state(t, "a").ExpectedOutput
	b.post(t, "/chat/completions", streamedChat)
	require.Equal(t, transport.Kept, b.attempts()[0].Ending)
	require.Equal(t, b.attempts()[0].Reserved, b.state(t, "a").Limit(engine.LimitTPM).Used)
	require.Equal(t, before, b.state(t, "a").ExpectedOutput)
}
