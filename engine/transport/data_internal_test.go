package transport

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// dataPlaces are where the APIs take data, at DATA: in parts of a message, and in items of
// a response's input. Members are in the order of a provider's examples; they are shuffled.
var dataPlaces = []struct {
	op   operation
	part []string // the members
}{
	{chat, []string{`"type":"image_url"`, `"image_url":{"url":"data:image/png;base64,DATA"}`}},
	{chat, []string{`"type":"image_url"`, `"image_url":{"detail":"low","url":"data:image/png;base64,DATA"}`}},
	{chat, []string{`"type":"input_audio"`, `"input_audio":{"data":"DATA","format":"wav"}`}},
	{chat, []string{`"type":"file"`, `"file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,DATA"}`}},
	{chat, []string{`"type":"video_url"`, `"video_url":{"url":"data:video/mp4;base64,DATA"}`}},
	{chat, []string{`"type":"document_url"`, `"document_url":"data:application/pdf;base64,DATA"`}},
	{chat, []string{`"type":"reasoning.encrypted"`, `"data":"DATA"`, `"id":"r"`}},
	{chat, []string{`"type":"something_new"`, `"payload":{"more":[{"bytes":"DATA"}]}`}},
	{messages, []string{`"type":"image"`, `"source":{"type":"base64","media_type":"image/png","data":"DATA"}`, `"cache_control":{"type":"ephemeral"}`}},
	{messages, []string{`"type":"document"`, `"source":{"type":"base64","media_type":"application/pdf","data":"DATA"}`, `"title":"A"`, `"citations":{"enabled":true}`}},
	{messages, []string{`"type":"thinking"`, `"thinking":"Hm."`, `"signature":"DATA"`}},
	{messages, []string{`"type":"redacted_thinking"`, `"data":"DATA"`}},
	{messages, []string{`"type":"compaction"`, `"content":"We spoke of ships."`, `"encrypted_content":"DATA"`}},
	{messages, []string{`"type":"web_search_tool_result"`, `"tool_use_id":"t"`, `"content":[{"type":"web_search_result","title":"A","url":"https://example.com","encrypted_content":"DATA"}]`}},
	{messages, []string{`"type":"web_fetch_tool_result"`, `"tool_use_id":"t"`, `"content":{"type":"web_fetch_result","url":"https://example.com","content":{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"DATA"}}}`}},
	{messages, []string{`"type":"mcp_tool_result"`, `"tool_use_id":"t"`, `"content":[{"type":"image","source":{"data":"DATA","media_type":"image/png","type":"base64"}}]`}},
	{messages, []string{`"type":"tool_use"`, `"id":"t"`, `"name":"f"`, `"input":{}`, `"signature":"DATA"`}},
	{messages, []string{`"type":"server_tool_use"`, `"id":"t"`, `"name":"f"`, `"input":{}`, `"encrypted_content":"DATA"`}},
	{responses, []string{`"type":"reasoning"`, `"id":"r"`, `"summary":[]`, `"encrypted_content":"DATA"`}},
	{responses, []string{`"type":"compaction"`, `"id":"r"`, `"encrypted_content":"DATA"`}},
	{responses, []string{`"type":"image_generation_call"`, `"id":"i"`, `"status":"completed"`, `"result":"DATA"`}},
	{responses, []string{`"type":"computer_call_output"`, `"call_id":"c"`, `"output":{"type":"computer_screenshot","image_url":"data:image/png;base64,DATA"}`}},
	{responses, []string{`"type":"function_call_output"`, `"call_id":"c"`, `"output":[{"type":"input_image","image_url":"data:image/png;base64,DATA"}]`}},
	{responses, []string{`"type":"function_call_output"`, `"call_id":"c"`, `"output":[{"filename":"a.pdf","file_data":"DATA","type":"input_file"}]`}},
	{responses, []string{`"type":"code_interpreter_call"`, `"code":"plot()"`, `"container_id":"c"`, `"outputs":[{"type":"image","url":"data:image/png;base64,DATA"}]`}},
	{responses, []string{`"role":"user"`, `"content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,DATA"}]`}},
	{responses, []string{`"role":"user"`, `"content":[{"type":"input_image","detail":"high","image_url":"data:image/png;base64,DATA"}]`}},
}

// dataBody is a body with data in one of the places, as deep in results of tools as the
// seed says, with members in an order that the seed decides.
func dataBody(seed uint64, data string) (operation, string) {
	r := rand.New(rand.NewPCG(seed, 0))
	place := dataPlaces[seed%uint64(len(dataPlaces))]
	object := func(members ...string) string {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		return "{" + strings.Join(members, ",") + "}"
	}
	item := object(append([]string(nil), place.part...)...)
	if place.op == messages {
		for range r.IntN(8) {
			content := "[" + item + "]"
			if r.IntN(3) == 0 {
				content = item
			}
			item = object(`"type":"tool_result"`, `"tool_use_id":"t"`, `"content":`+content)
		}
	}
	list := `"input":[` + item + `]`
	if place.op != responses {
		list = `"messages":[` + object(`"role":"user"`, `"content":[{"type":"text","text":"Look."},`+item+`]`) + `]`
	}
	return place.op, strings.ReplaceAll(object(`"model":"m"`, list), "DATA", data)
}

// spelt returns data in one of the spellings that programs give it.
func spelt(data string, how uint64) string {
	switch how % 4 {
	case 1:
		return strings.ReplaceAll(data, "/", `\/`) // PHP
	case 2:
		return strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(data) // of URLs
	case 3:
		var b strings.Builder
		for len(data) > 76 { // MIME
			b.WriteString(data[:76] + `\n`)
			data = data[76:]
		}
		return b.String() + data
	}
	return data
}

// FuzzDataIsNoText: wherever data may stand, 100 kB of it change the estimate by a fraction
// of what they would cost as text, which is about 70,000 tokens: what only the provider
// can read by a sixth of its size, all else by what pages or an image cost.
func FuzzDataIsNoText(f *testing.F) {
	for seed := range uint64(4 * len(dataPlaces)) {
		f.Add(seed, seed/uint64(len(dataPlaces)), seed)
	}
	names := []string{"messages", "input", "system", "tools", "prompt"}
	f.Fuzz(func(t *testing.T, seed, spelling, random uint64) {
		data := make([]byte, 75_000)
		r := rand.New(rand.NewPCG(random, 1))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		op, body := dataBody(seed, spelt(base64.StdEncoding.EncodeToString(data), spelling))
		object, err := wire.Parse([]byte(body), names)
		require.NoError(t, err, body[:min(len(body), 300)])
		_, size := demand(op, &object, estimate.O200K)
		var most int64 = 6000
		if strings.Contains(body, `"encrypted_content"`) {
			most = 100_000*4/3/hiddenBytes + 1000
		}
		for family := range size.images {
			if family == int(tiles4oMini) {
				continue // an image costs 25,501 tokens
			}
			if got := size.text + size.images[family]; got > most {
				t.Fatalf("%d tokens, want at most %d: %s", got, most, body[:300])
			}
		}
	})
}
