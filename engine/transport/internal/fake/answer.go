package fake

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer writes the answer and counts its usage. The shape follows the path.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, a *asked, in, out int64) {
	var delay time.Duration
	if p.Delay != nil {
		delay = p.Delay(out)
	}
	report := func() {
		p.Input.Add(in)
		p.Output.Add(out)
	}
	shape := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if !a.Stream {
		if !pause(r, delay) {
			return
		}
		report()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, plain(shape, a.Model, in, out))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	n := min(out, pieces)
	send := func(format string, args ...any) {
		_, _ = fmt.Fprintf(w, format+"\n\n", args...)
		_ = http.NewResponseController(w).Flush()
	}
	begin(send, shape, in)
	for i := range n {
		if !pause(r, delay/time.Duration(n)) {
			return
		}
		text := strings.Repeat("x", int(out*(i+1)/n-out*i/n))
		piece(send, shape, text)
	}
	if shape != "completions" || a.StreamOptions.IncludeUsage {
		report()
	}
	end(send, shape, a.StreamOptions.IncludeUsage, in, out)
}

// pause waits; false if the client has gone.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return r.Context().Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func plain(shape, model string, in, out int64) string {
	text := strings.Repeat("x", int(out))
	switch shape {
	case "completions":
		return fmt.Sprintf(`{"id":"c","object":"chat.completion","model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`, model, text, in, out, in+out)
	case "responses":
		return fmt.Sprintf(`{"id":"r","object":"response","status":"completed","model":%q,"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":%q}]}],"usage":{"input_tokens":%d,"output_tokens":%d,"total_tokens":%d}}`, model, text, in, out, in+out)
	case "embeddings":
		return fmt.Sprintf(`{"object":"list","model":%q,"data":[{"object":"embedding","index":0,"embedding":[0.25,0.5]}],"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, model, in, in)
	}
	return fmt.Sprintf(`{"id":"m","type":"message","role":"assistant","model":%q,"content":[{"type":"text","text":%q}],"stop_reason":"end_turn","usage":{"input_tokens":%d,"output_tokens":%d}}`, model, text, in, out)
}

type sender func(format string, args ...any)

func begin(send sender, shape string, in int64) {
	switch shape {
	case "completions":
		send(`data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"x"}}],"usage":null}`)
	case "responses":
		send("event: response.created\ndata: " + `{"type":"response.created","response":{"id":"r","usage":null}}`)
	case "messages":
		send("event: message_start\ndata: "+`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"usage":{"input_tokens":%d,"output_tokens":1}}}`, in)
		send("event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	}
}

func piece(send sender, shape, text string) {
	switch shape {
	case "completions":
		send(`data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":%q}}],"usage":null}`, text)
	case "responses":
		send("event: response.output_text.delta\ndata: "+`{"type":"response.output_text.delta","delta":%q}`, text)
	case "messages":
		send("event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%q}}`, text)
	}
}

func end(send sender, shape string, usage bool, in, out int64) {
	switch shape {
	case "completions":
		send(`data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`)
		if usage {
			send(`data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`, in, out, in+out)
		}
		send("data: [DONE]")
	case "responses":
		send("event: response.completed\ndata: "+`{"type":"response.completed","response":{"id":"r","status":"completed","usage":{"input_tokens":%d,"output_tokens":%d,"total_tokens":%d}}}`, in, out, in+out)
	case "messages":
		send("event: content_block_stop\ndata: " + `{"type":"content_block_stop","index":0}`)
		send("event: message_delta\ndata: "+`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":%d}}`, out)
		send("event: message_stop\ndata: " + `{"type":"message_stop"}`)
	}
}
