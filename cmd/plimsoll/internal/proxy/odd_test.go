package proxy_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What clients should not send is refused by the proxy or is the provider's to judge; it
// neither ends the daemon nor leaves anything reserved.
func TestOddRequests(t *testing.T) {
	b := newBench(t, change{}, answers(200, plain))
	with := func(member string) string { return `{"model":"chat","messages":[],` + member + `}` }
	for body, status := range map[string]int{
		"\ufeff" + chat:                         400,
		chat + chat:                             400,
		"[]":                                    400,
		"null":                                  400,
		`{'model':'chat'}`:                      400,
		`{"model":"chat",}`:                     400,
		`{"model":"chat"/*x*/}`:                 400,
		with("\"x\":\"\x00\""):                  400,
		with(`"temperature":NaN`):               400,
		with(`"x":` + strings.Repeat("[", 1e5)): 400,
		with(`"x":` + strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5)): 400,
		with(`"model":"other"`):                      400,
		with(`"Model":"other"`):                      400,
		with(`"stream":true,"stream":false`):         400,
		with(`"max_tokens":5,"max_tokens":900000`):   400,
		`{"model":5,"messages":[]}`:                  400,
		`{"model":"chat\n","messages":[]}`:           404,
		`{"model":"chat\u000a","messages":[]}`:       404,
		"{\"model\":\"chat\xff\",\"messages\":[]}":   404,
		with("\"x\":\"\xff\xfe\""):                   200,
		with(`"x":"\ud800"`):                         200,
		with(`"stream":"true"`):                      200,
		with(`"stream":1`):                           200,
		with(`"stream":true,"stream_options":"x"`):   200,
		with(`"n":-5,"max_tokens":"x"`):              200,
		with(`"n":1e400,"max_tokens":1`):             200,
		with(`"tools":[1,null,{"function":5}]`):      200,
		`{"model":"chat","messages":{"a":[1,"x"]}}`:  200,
		`{"model":"chat","messages":[5,null,"x"]}`:   200,
		with(`"metadata":{"user_id":[[[[[{}]]]]]}`):  200,
		with(`"prompt_cache_key":{"a":1},"user":[]`): 200,
	} {
		resp, text := b.post(t, chatPath, body)
		require.Equal(t, status, resp.StatusCode, "%.80q: %.200s", body, text)
		require.True(t, strings.HasPrefix(text, `{`), "%.80q: %.200s", body, text)
	}
	b.settled(t)
	for _, method := range []string{"HEAD", "GET", "PUT", "DELETE", "TRACE", "OPTIONS"} {
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+chatPath, http.NoBody)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 405, resp.StatusCode, method)
	}
}

// raw answers with bytes as they are, and ends the connection.
func raw(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	})
}

// Of answers that are none the client gets a 502; whatever else is odd about an answer
// changes neither what is counted nor who learns the key.
func TestOddAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
	const used = 18
	body := `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":11,"completion_tokens":7}}`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, tt := range map[string]struct {
		answer string
		status int
		tokens int64 // -1 = not counted
	}{
		"plain":               {head + "\r\n" + body, 200, used},
		"early hints":         {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head + "\r\n" + body, 200, used},
		"gzip":                {head + "Content-Encoding: gzip\r\n\r\n" + packed.String(), 200, used},
		"no gzip":             {head + "Content-Encoding: gzip\r\n\r\n" + body, 502, -1},
		"gzip cut":            {head + "Content-Encoding: gzip\r\n\r\n" + packed.String()[:30], 502, -1},
		"an unknown encoding": {head + "Content-Encoding: br\r\n\r\nxyz", 200, -1},
		"a trailer":           {head + "Transfer-Encoding: chunked\r\nTrailer: X-Key\r\n\r\n" + "5d\r\n" + body + "\r\n0\r\nX-Key: " + secret + "\r\n\r\n", 200, used},
		"cookies":             {head + "Set-Cookie: a=" + secret + "\r\nLocation: /x\r\nX-Accel-Redirect: /x\r\n\r\n" + body, 200, used},
		"a long header":       {head + "X-Long: " + strings.Repeat("a", 500_000) + "\r\n\r\n" + body, 200, used},
		"cut":                 {head + "Content-Length: 5000\r\n\r\n" + body[:40], 502, -1},
		"nothing":             {"", 502, -1},
		"no HTTP":             {body, 502, -1},
		"half a header":       {"HTTP/1.1 200 OK\r\nContent-Ty", 502, -1},
		"a negative length":   {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + body, 502, -1},
		"two codings":         {head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 502, -1},
		"another protocol":    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx", 502, 0},
		"a redirect":          {"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/?k=" + secret + "\r\nContent-Length: 0\r\n\r\n", 502, 0},
		"the key in an error": {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + `{"error":{"message":"no ` + secret + `"}}`, 400, 0},
		"not a number":        {head + "\r\n" + strings.Replace(body, "11", "NaN", 1), 200, -1},
		"deep":                {head + "\r\n" + `{"x":` + strings.Repeat("[", 1e4) + strings.Repeat("]", 1e4) + "," + body[1:], 200, used},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, raw(tt.answer))
			resp, text := b.post(t, chatPath, chat)
			require.Equal(t, tt.status, resp.StatusCode, text)
			require.NotContains(t, text, secret)
			for _, values := range []http.Header{resp.Header, resp.Trailer} {
				for name, v := range values {
					require.NotContains(t, strings.Join(v, " "), secret, name)
				}
				require.Empty(t, values.Get("Location")+values.Get("Set-Cookie")+values.Get("X-Accel-Redirect"))
			}
			got := b.settled(t)
			if tt.tokens >= 0 {
				require.Equal(t, tt.tokens, got)
			} else {
				require.Positive(t, got, "the reservation stands")
			}
		})
	}
}

// Codex asks for a WebSocket first, and goes on with POST at once after this status only. What is
// no such request is refused as before.
func TestWebSockets(t *testing.T) {
	b := newBench(t, change{}, answers(200, plain))
	for _, path := range []string{"/v1/responses", "/openai/v1/responses", "/responses", "/v1/chat/completions"} {
		for upgrade, status := range map[string]int{"websocket": 426, "WebSocket": 426, "h2c": 405, "": 405} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", b.url+path, http.NoBody)
			require.NoError(t, err)
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", upgrade)
			r.Header.Set("Sec-Websocket-Version", "13")
			r.Header.Set("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, status, resp.StatusCode, path+upgrade)
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			if status == 426 {
				require.Equal(t, "HTTP/1.1", resp.Header.Get("Upgrade")) // RFC 9110, section 15.5.22
				require.Contains(t, string(text), "by POST")
			}
		}
	}
}

// HEAD is served where the proxy itself answers GET (RFC 9110, section 9.1): checks of a base URL use it.
func TestHead(t *testing.T) {
	b := newBench(t, change{}, answers(200, plain))
	for path, status := range map[string]int{"/v1/models": 200, "/openai/v1/models": 200, "/anthropic/v1/models": 200, "/v1/models/chat": 200, "/v1/models/none": 404, "/v1/files": 405, "/v1/responses/x": 405} {
		r, err := http.NewRequestWithContext(t.Context(), "HEAD", b.url+path, http.NoBody)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, status, resp.StatusCode, path)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"), path)
	}
}
