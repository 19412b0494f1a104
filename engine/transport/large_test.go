package transport_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// The last event of a response repeats all of it, images in base64 too, and may be larger than
// what is read whole. It arrives as it is, ends the stream and reports the usage.
func TestLargeEvents(t *testing.T) {
	const (
		used    = `"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":4000,"total_tokens":4010}`
		created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"usage\":null}}\n\n"
	)
	big := strings.Repeat("iVBORw0KGgo", 1<<20) // 11 MiB
	output := `"output":[{"type":"image_generation_call","result":"` + big + `"}],`
	for _, tt := range []struct {
		name, path, body string
		whole            bool // the stream ends as it should
		used             bool
	}{
		{"completed", "/responses", created + "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"," + output + used + `,"user":null,"metadata":{"usage":"none"}}}` + "\n\n", true, true},
		{"by its type alone", "/responses", created + `data: {"type":"response.completed","response":{` + output + used + "}}\n\n", true, true},
		{"CRLF", "/responses", created + "event: response.incomplete\r\ndata: {\"response\":{" + output + used + "}}\r\n\r\n", true, true},
		{"without the blank line", "/responses", created + "event: response.completed\ndata: {\"response\":{" + output + used + "}}", true, true},
		{"usage in front", "/responses", created + "event: response.completed\ndata: {\"response\":{" + used + "," + output + `"x":1}}` + "\n\n", true, false},
		{"usage in a text", "/responses", created + "event: response.completed\ndata: {\"response\":{" + output + `"text":"\"usage\":{\"input_tokens\":7}"}}` + "\n\n", true, false},
		{"another event", "/responses", created + "event: response.output_item.done\ndata: {\"item\":{" + output + used + "}}\n\n", false, false},
		{"an image", "/images/generations", "event: image_generation.completed\ndata: {\"b64_json\":\"" + big + `",` + used + "}\n\n", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var steps []any
			for rest := tt.body; rest != ""; {
				n := min(len(rest), 100<<10)
				steps, rest = append(steps, rest[:n]), rest[n:]
			}
			var got transport.Attempt
			_, tr := silent(t, func(c *transport.Config) { c.Done = func(a transport.Attempt) { got = a } }, script{typ: sse, steps: steps})
			resp, err := tr.RoundTrip(request(t.Context(), t, tt.path, `{"model":"chat","stream":true,"input":"x"}`))
			require.NoError(t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.True(t, string(text) == tt.body, "it arrives as it is")
			require.Equal(t, tt.used, got.Reported)
			if tt.used {
				require.Equal(t, engine.Usage{InputTokens: 10, OutputTokens: 4000}, got.Usage)
			}
			require.Equal(t, tt.whole, got.Err == nil)
		})
	}
}
