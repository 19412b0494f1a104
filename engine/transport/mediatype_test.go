package transport_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// written is an answer whose parts are sent one after the other; "" as a type = none.
func written(typ string, parts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if typ != "" {
			w.Header().Set("Content-Type", typ)
		}
		for _, part := range parts {
			_, _ = w.Write([]byte(part))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
}

// An answer is what its first bytes are. Servers send streams as text/plain
// (https://github.com/containers/ramalama/issues/2837), as application/x-ndjson
// (https://github.com/Lightning-AI/LitServe/issues/359) or without a type, headers twice, and
// JSON as a stream (https://github.com/decolua/9router/issues/3492).
func TestAnswersOfAnotherType(t *testing.T) {
	const (
		used = `{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}`
		end  = `data: {"choices":[],"usage":` + used + "}\n\ndata: [DONE]\n\n"
		json = `{"choices":[{"message":{"content":"x"}}],"usage":` + used + `}`
	)
	types := []string{
		"", "text/plain; charset=utf-8", "text/html", "application/x-ndjson", "application/json", "application/octet-stream",
		"text/event-stream", "text/event-stream, text/event-stream", "text/event-stream; charset=utf-8; charset=utf-8", ";",
	}
	for _, typ := range types {
		for name, parts := range map[string][]string{
			"stream":           {delta + end},
			"in pieces":        {"d", "ata", delta[4:], end},
			"behind a comment": {": processing\n\n", delta, end},
			"behind blanks":    {"\n\n", delta, end},
			"behind a mark":    {"\xef\xbb\xbf" + delta, end},
			"named":            {"event: chunk\n" + delta, end},
			"CRLF":             {strings.ReplaceAll(delta+end, "\n", "\r\n")},
			"JSON":             {json},
			"JSON in pieces":   {" \n", json[:3], json[3:]},
			"JSON and [DONE]":  {json + "\n\ndata: [DONE]\n\n"},
		} {
			t.Run(fmt.Sprintf("%s as %q", name, typ), func(t *testing.T) {
				b := newBench(t, change{}, written(typ, parts...), answers(500, ""))
				resp, text := b.post(t, "/chat/completions", streamedChat)
				require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment), text)
				got := b.attempts()
				require.Len(t, got, 1)
				require.True(t, got[0].Reported)
				require.NoError(t, got[0].Err)
				require.Equal(t, engine.Usage{InputTokens: 1000, OutputTokens: 200}, got[0].Usage)
				if want := "application/json"; strings.HasPrefix(name, "JSON") {
					require.Contains(t, []string{typ, want}, resp.Header.Get("Content-Type"))
					require.Equal(t, strings.Join(parts, ""), text)
				} else {
					require.Regexp(t, "^text/event-stream(;.*)?$", resp.Header.Get("Content-Type"))
					require.Contains(t, text, "[DONE]")
					require.NotContains(t, text, "usage") // the client has not asked for it
				}
				b.atRest(t)
			})
		}
	}
}

// "identity" and charsets are no encodings: an answer with such a header is read.
func TestEncodingsThatAreNone(t *testing.T) {
	for name, reads := range map[string]bool{"identity": true, "UTF-8": true, " none ": true, "br": false, "gzip, br": false} {
		b := newBench(t, change{}, answers(200, `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}`, "Content-Type", "application/json", "Content-Encoding", name))
		_, _ = b.post(t, "/chat/completions", plainChat)
		require.Equal(t, reads, b.attempts()[0].Reported, name)
		b = newBench(t, change{}, answers(200, `{"error":{"code":"rate_limit_exceeded"}}`, "Content-Type", "application/json", "Content-Encoding", name), answers(200, `{"choices":[]}`))
		resp, _ := b.post(t, "/chat/completions", plainChat)
		require.Equal(t, map[bool]string{true: "b", false: "a"}[reads], resp.Header.Get(transport.HeaderDeployment), name)
	}
}

// Events that keep a stream alive decide nothing, whatever their data: an error behind them is
// tried elsewhere, and they are none themselves.
func TestEventsThatKeepAlive(t *testing.T) {
	for _, alive := range []string{
		": comment\n\n", "event: ping\ndata: ping\n\n", "event: keepalive\ndata: {}\n\n", "event: heartbeat\ndata: 12:00\n\n", "data: {\"type\":\"ping\"}\n\n", "data: \n\n", "data: null\n\n", "retry: 100\n\n", "id: 1\n\n",
	} {
		for path, good := range map[string]string{
			"/chat/completions": delta + doneLine,
			"/responses":        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n",
		} {
			b := newBench(t, change{}, answers(200, alive+good, "Content-Type", sse), answers(500, ""))
			resp, text := b.post(t, path, streamedChat)
			require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment), alive+text)
			require.True(t, b.attempts()[0].Reported, alive)
			b = newBench(t, change{}, answers(200, alive+"data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", "Content-Type", sse), answers(200, good, "Content-Type", sse))
			resp, text = b.post(t, path, streamedChat)
			require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment), alive+text)
		}
	}
}
