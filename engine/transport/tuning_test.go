package transport_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// input is a bench whose reservations are estimates of prompts alone, of one
// deployment that calls its model so.
func inputOf(t *testing.T, api transport.API, model string, h *atomic.Int64) *bench {
	t.Helper()
	edit := func(c *transport.Config) {
		ep := c.Endpoints["a"]
		ep.Model = model
		c.Endpoints["a"] = ep
	}
	return newBench(t, change{api: api, profile: provider.Profile{Admit: provider.AdmitInput}, limits: engine.Limits{TPM: 1e9}, edit: edit}, bills(h))
}

var fox = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 4000) // about 40,000 tokens

// What is no text is not counted as text, and texts are counted wherever they stand.
func TestPromptForms(t *testing.T) {
	data := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x89PNG\x00\x17\xe3", 40_000)))
	message := func(part string) string {
		return `{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":[` + part + `]}]}`
	}
	item := func(i string) string { return `{"model":"chat","input":[` + i + `]}` }
	for name, tt := range map[string]struct {
		path, body  string
		least, most int64
	}{
		"a screenshot":                 {"/responses", item(`{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,` + data + `"}}`), 80, 2000},
		"an image that was made":       {"/responses", item(`{"type":"image_generation_call","id":"i","result":"` + data + `"}`), 80, 2000},
		"a compaction":                 {"/responses", item(`{"type":"compaction","encrypted_content":"` + data + `"}`), 1000, 100_000},
		"encrypted reasoning":          {"/responses", item(`{"type":"reasoning","summary":[],"encrypted_content":"` + data[:80_000] + `"}`), 1000, 20_000},
		"reasoning as a summary":       {"/responses", item(`{"type":"reasoning","summary":[{"type":"summary_text","text":"` + fox + `"}]}`), 30_000, 60_000},
		"thinking and its signature":   {"/messages", message(`{"type":"thinking","thinking":"Hm.","signature":"` + data + `"}`), 5, 40},
		"thinking that is hidden":      {"/messages", message(`{"type":"redacted_thinking","data":"` + data + `"}`), 5, 40},
		"a film":                       {"/chat/completions", message(`{"type":"video_url","video_url":{"url":"data:video/mp4;base64,` + data + `"}}`), 80, 20_000},
		"a sound":                      {"/chat/completions", message(`{"type":"input_audio","input_audio":{"data":"` + data + `","format":"mp3"}}`), 80, 20_000},
		"a document with text":         {"/messages", message(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"` + fox + `"}}`), 30_000, 60_000},
		"a document of parts":          {"/messages", message(`{"type":"document","source":{"type":"content","content":[{"type":"text","text":"` + fox + `"}]}}`), 30_000, 60_000},
		"a PDF":                        {"/messages", message(`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + data + `"}}`), 3000, 20_000},
		"a PDF, OpenAI":                {"/chat/completions", message(`{"type":"file","file":{"filename":"f.pdf","file_data":"data:application/pdf;base64,` + data + `"}}`), 3000, 20_000},
		"a PDF, Mistral":               {"/chat/completions", message(`{"type":"document_url","document_url":"data:application/pdf;base64,` + data + `"}`), 3000, 20_000},
		"a PDF elsewhere":              {"/responses", item(`{"role":"user","content":[{"type":"input_file","file_url":"https://example.com/f.pdf"}]}`), 1000, 5000},
		"an unknown part with data":    {"/chat/completions", message(`{"type":"hologram","hologram":{"note":"Hello","data":"` + data + `"}}`), 5, 100_000},
		"a text that looks like data":  {"/chat/completions", message(`{"type":"text","text":"` + data + `"}`), 150_000, 400_000},
		"one tool of odd form":         {"/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","description":"` + fox + `","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"g","description":["x"]}}]}`, 30_000, 60_000},
		"parameters that are none":     {"/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + data + `"}}]}],"tools":[{"type":"function","function":{"name":"g","parameters":[]}}]}`, 700, 1000},
		"a custom tool":                {"/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"custom","custom":{"name":"f","description":"` + fox + `"}}]}`, 30_000, 60_000},
		"a custom tool of Responses":   {"/responses", `{"model":"chat","input":"hi","tools":[{"type":"custom","name":"f","format":{"type":"grammar","definition":"` + fox + `"}}]}`, 30_000, 60_000},
		"functions, as they were once": {"/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"hi"}],"functions":[{"name":"f","description":"` + fox + `","parameters":{"type":"object","properties":{}}}]}`, 30_000, 60_000},
		"a prediction":                 {"/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"hi"}],"prediction":{"type":"content","content":"` + fox + `"}}`, 30_000, 60_000},
		"reasoning sent back":          {"/chat/completions", `{"model":"chat","messages":[{"role":"assistant","content":"hi","reasoning_content":"` + fox + `"}]}`, 30_000, 60_000},
		"a call as it was once":        {"/chat/completions", `{"model":"chat","messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"` + fox + `"}}]}`, 30_000, 60_000},
		"a call of a custom tool":      {"/chat/completions", `{"model":"chat","messages":[{"role":"assistant","tool_calls":[{"type":"custom","id":"c","custom":{"input":"` + fox + `","name":"f"}}]}]}`, 30_000, 60_000},
		"images that a model made":     {"/chat/completions", `{"model":"chat","messages":[{"role":"assistant","content":"A.","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + data + `"}}]}]}`, 700, 1000},
		"tools of an MCP server":       {"/responses", item(`{"type":"mcp_list_tools","server_label":"s","tools":[{"name":"f","description":"` + fox + `","input_schema":{"type":"object","properties":{}}}]}`), 30_000, 60_000},
		"variables of a stored prompt": {"/responses", `{"model":"chat","input":"hi","prompt":{"id":"p","variables":{"story":"` + fox + `","picture":{"type":"input_image","image_url":"data:image/png;base64,` + data + `"}}}}`, 30_000, 60_000},
		"a summary of what was said":   {"/messages", message(`{"type":"compaction","content":"` + fox + `"}`), 30_000, 60_000},
		"a page that was fetched":      {"/messages", message(`{"type":"web_fetch_tool_result","tool_use_id":"t","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"text","data":"` + fox + `"}}}}`), 30_000, 60_000},
		"a tool with an image":         {"/responses", `{"model":"chat","input":"hi","tools":[{"type":"image_generation","input_image_mask":{"image_url":"data:image/png;base64,` + data + `"}}]}`, 20, 4000},
		"Claude's tools":               {"/messages", `{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"computer_20250124","name":"computer","display_width_px":1024},{"type":"text_editor_20250728","name":"editor"},{"type":"bash_20250124","name":"bash"}]}`, 1680, 1800},
		"a prompt of tokens":           {"/completions", `{"model":"chat","prompt":[` + strings.Repeat("1,", 999) + `1]}`, 1000, 1010},
	} {
		t.Run(name, func(t *testing.T) {
			api := transport.OpenAI
			if tt.path == "/messages" {
				api = transport.Anthropic
			}
			b := inputOf(t, api, "model", new(atomic.Int64))
			b.post(t, tt.path, tt.body)
			got := b.attempts()[0].Reserved
			require.GreaterOrEqual(t, got, tt.least)
			require.LessOrEqual(t, got, tt.most)
		})
	}
}

// Several answers are as many times the largest of the limits on one.
func TestReservedOutput(t *testing.T) {
	for body, want := range map[string]int64{
		`"max_tokens":1000`: 1000, `"max_tokens":1000,"n":8`: 8000, `"max_completion_tokens":5,"max_tokens":4000`: 4000, `"max_tokens":4000,"max_completion_tokens":5`: 4000,
		`"max_tokens":"x","n":-1,"max_completion_tokens":7`: 7, `"max_tokens":1e300,"n":3`: engine.MaxCount / 3 * 3, `"n":3,"max_tokens":1e400`: engine.MaxCount / 3 * 3,
	} {
		b := newBench(t, change{profile: provider.Profile{Admit: provider.AdmitInputMax}}, answers(200, "{}"))
		b.post(t, "/chat/completions", `{"model":"chat","messages":[],`+body+`}`)
		if len(b.attempts()) == 0 {
			require.Equal(t, engine.MaxCount/3*3, want, "more than can be counted is refused")
			continue
		}
		require.Equal(t, want+3, b.attempts()[0].Reserved, body)
	}
}

// Images cost what their size and the family of the model make of them.
func TestImages(t *testing.T) {
	var small bytes.Buffer
	require.NoError(t, png.Encode(&small, image.NewGray(image.Rect(0, 0, 200, 100))))
	one := func(url string) string {
		return `{"model":"chat","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + url + `"}}]}]}`
	}
	known := "data:image/png;base64," + base64.StdEncoding.EncodeToString(small.Bytes())
	for _, tt := range []struct {
		model        string
		known, other int64
	}{
		{"gpt-4o", 255, 765},
		{"azure/gpt-4o-mini-2024-07-18", 8500, 25501},
		{"gpt-5", 210, 630},
		{"o3", 225, 675},
		{"gpt-4.1-mini", 46, 1659},
		{"gpt-5-nano", 69, 2520},
		{"claude-sonnet-4-5", 26, 1398},
		{"gemini-2.5-flash", 258, 1032},
		{"some-model", 255, 765},
	} {
		b := inputOf(t, transport.OpenAI, tt.model, new(atomic.Int64))
		b.post(t, "/chat/completions", one(known))
		b.post(t, "/chat/completions", one("https://example.com/a.png"))
		require.InDelta(t, tt.known, b.attempts()[0].Reserved, 12, tt.model)
		require.InDelta(t, tt.other, b.attempts()[1].Reserved, 12, tt.model)
	}
}

// Of public collections of exchanges: by how many tokens prompts were billed above what
// was estimated, by model and kind, the median of ten exchanges and more.
var billedAbove = []struct {
	model string
	kind  string
	above int64
}{
	{"claude-3-5-sonnet", "text", 1},
	{"claude-3-5-sonnet", "tools", 351},
	{"claude-haiku-4", "text", 0},
	{"claude-haiku-4", "tools", 561},
	{"claude-opus-4", "text", 5},
	{"claude-sonnet-4", "text", 4},
	{"claude-sonnet-4", "tools", 574},
	{"claude-sonnet-4-6", "tools", 615},
	{"g", "text", 0},
	{"g", "tools", 68},
	{"deepseek-chat", "text", -1},
	{"deepseek-chat", "tools", 275},
	{"llama-4-scout", "tools", 666},
	{"mistral-large", "text", 6},
	{"mistral-large", "tools", 41},
	{"gpt-oss-20b", "text", 60},
	{"gpt-oss-20b", "tools", 76},
	{"gpt-3.5-turbo", "tools", -6},
	{"gpt-4.1", "tools", -3},
	{"gpt-4o", "text", -3},
	{"gpt-4o-mini", "tools", -3},
	{"gpt-5", "tools", 76},
	{"gpt-5-mini", "tools", 79},
	{"sonar", "text", -6},
	{"claude-haiku-4-5", "tools", 570},
	{"claude-haiku-4-5", "text", 1},
	{"claude-sonnet-4-5", "text", 17},
	{"gpt-3.5-turbo", "text", 0},
	{"gpt-4", "text", 0},
	{"gpt-4.1", "text", -3},
	{"gpt-4o", "tools", 3},
	{"gpt-4o-mini", "text", -3},
	{"gpt-5", "text", -1},
	{"a-model-nobody-knows", "tools", 1527},
}

// Bills are what the vocabulary counts and what the vendor adds. After ten calls what is
// reserved for a prompt is within a fifth to a quarter of what is billed, whatever its
// vendor adds; for known vendors from the first.
func TestPromptsAsTheyAreBilled(t *testing.T) {
	tools := `,"tools":[{"type":"function","function":{"name":"weather","description":"The weather of a city.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`
	for _, row := range billedAbove {
		t.Run(row.model+" "+row.kind, func(t *testing.T) {
			with := ""
			if row.kind == "tools" {
				with = tools
			}
			body := func(i int) string {
				return fmt.Sprintf(`{"model":"chat","messages":[{"role":"user","content":"%s"}]%s}`, strings.Repeat("The crate waits for the next ship. ", 3+i%5), with)
			}
			exact, err := estimate.NewExact(estimate.EncodingFor(row.model))
			require.NoError(t, err)
			count := func(c *transport.Config) { c.Counter = func(string) estimate.Counter { return exact } }
			counted := newBench(t, change{profile: provider.Profile{Admit: provider.AdmitInput}, limits: engine.Limits{TPM: 1e9}, edit: count}, bills(new(atomic.Int64))) // reports nothing
			var billed atomic.Int64
			b := inputOf(t, transport.OpenAI, row.model, &billed)
			for i := range 12 {
				counted.post(t, "/chat/completions", body(i))
				billed.Store(max(counted.attempts()[i].Reserved+row.above, 1))
				b.post(t, "/chat/completions", body(i))
				if i >= 10 || i == 0 && row.model != "a-model-nobody-knows" && row.kind == "tools" && row.above > 100 {
					got := float64(b.attempts()[i].Reserved) / float64(billed.Load())
					require.GreaterOrEqual(t, got, 0.8, "call %d", i)
					require.LessOrEqual(t, got, 1.25, "call %d", i)
				}
			}
		})
	}
}

// A language that is estimated at half is learned as a factor, for its deployment and
// kind alone; what is learned is bounded, and goes on after Apply.
func TestLearnedFactors(t *testing.T) {
	const text, withImage = `{"model":"chat","messages":[{"role":"user","content":"%s"}]}`, `{"model":"chat","messages":[{"role":"user","content":[{"type":"text","text":"%s"},{"type":"image_url","image_url":{"url":"u"}}]}]}`
	for name, tt := range map[string]struct{ factor, least, most float64 }{
		"half":     {2, 0.95, 1.05},
		"twice":    {0.5, 0.95, 1.05},
		"too much": {40, 0, 0.5},
		"bogus":    {0.001, 50, 1e9},
	} {
		t.Run(name, func(t *testing.T) {
			plain := inputOf(t, transport.OpenAI, "m", new(atomic.Int64))
			var billed atomic.Int64
			b := inputOf(t, transport.OpenAI, "m", &billed)
			for i := range 12 {
				body := fmt.Sprintf(text, strings.Repeat("Mtu ana haki ya kuishi kwa uhuru. ", 50*(1+i%4)))
				plain.post(t, "/chat/completions", body)
				own := plain.attempts()[i].Reserved
				billed.Store(max(int64(float64(own)*tt.factor), 1))
				b.post(t, "/chat/completions", body)
				got := b.attempts()[i].Reserved
				if i < 8 {
					require.Equal(t, own, got, "not yet")
					continue
				}
				ratio := float64(got) / float64(billed.Load())
				require.GreaterOrEqual(t, ratio, tt.least)
				require.LessOrEqual(t, ratio, tt.most)
				require.GreaterOrEqual(t, got, own/4)
				require.LessOrEqual(t, got, max(4*own, own+4000)+1)
			}
			plain.post(t, "/chat/completions", fmt.Sprintf(withImage, "hi"))
			b.post(t, "/chat/completions", fmt.Sprintf(withImage, "hi"))
			require.Equal(t, plain.attempts()[12].Reserved, b.attempts()[12].Reserved, "another kind")
		})
	}
}

// estimatedOverBilled are medians of the estimate over what was billed, of exchanges with
// at least 500 tokens of prompt and of kinds with ten exchanges and more.
var estimatedOverBilled = []struct {
	model, kind string
	ratio       float64
}{
	{"gpt-4.1", "schema", 1.07},
	{"gpt-4o-mini", "schema", 1.24},
	{"gpt-4.1", "text", 1.04},
	{"gpt-4o", "tools", 0.98},
	{"claude-sonnet-4", "text", 0.93},
	{"claude-sonnet-4-6", "tools", 0.25},
	{"claude-haiku-4", "tools", 0.15},
	{"llama-4-scout", "tools", 0.07},
	{"grok-4", "reasoning", 1.9},
}

// A kind of prompt that is billed by a factor is reserved within a fifth to a quarter
// after ten calls, as far as a correction may go.
func TestPromptsBilledByAFactor(t *testing.T) {
	schema := `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`
	with := map[string]string{
		"text":      ``,
		"tools":     `,"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]`,
		"schema":    `,"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":` + schema + `}}`,
		"reasoning": `,"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]`,
	}
	for _, row := range estimatedOverBilled {
		t.Run(row.model+" "+row.kind, func(t *testing.T) {
			body := func(i int) string {
				said := ""
				if row.kind == "reasoning" {
					said = `,{"role":"assistant","content":"Yes.","reasoning_content":"` + strings.Repeat("The tide decides. ", 20) + `"}`
				}
				return fmt.Sprintf(`{"model":"chat","messages":[{"role":"user","content":"%s"}%s]%s}`, strings.Repeat("The crate waits for the next ship. ", 10+3*(i%5)), said, with[row.kind])
			}
			plain := inputOf(t, transport.OpenAI, "unknown", new(atomic.Int64)) // reports nothing
			var billed atomic.Int64
			b := inputOf(t, transport.OpenAI, row.model, &billed)
			for i := range 12 {
				plain.post(t, "/chat/completions", body(i))
				billed.Store(int64(float64(plain.attempts()[i].Reserved) / row.ratio))
				b.post(t, "/chat/completions", body(i))
				if i >= 10 {
					got := float64(b.attempts()[i].Reserved) / float64(billed.Load())
					require.GreaterOrEqual(t, got, 0.8, "call %d", i)
					require.LessOrEqual(t, got, 1.25, "call %d", i)
				}
			}
		})
	}
}
