package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nothing in an answer names the account, leads elsewhere, or makes what stands
// before the client act.
func TestAnswerHeaders(t *testing.T) {
	stays := []string{
		"Location", "Refresh", "Content-Location", "Link", "Set-Cookie", "Clear-Site-Data", "X-Accel-Redirect", "X-Accel-Buffering", "X-Accel-Expires", "X-Sendfile", "X-Lighttpd-Send-File", "X-Reproxy-Url",
		"Service-Worker-Allowed", "Nel", "Report-To", "Strict-Transport-Security", "Alt-Svc", "Www-Authenticate", "Access-Control-Allow-Origin", "Content-Security-Policy", "Server", "Via", "X-Powered-By",
		"Openai-Organization", "Openai-Project", "Anthropic-Organization-Id", "X-Debug-Key", "Anthropic-Ratelimit-Requests-Reset", "X-Unknown", "Proxy-Authenticate",
	}
	goes := []string{"Request-Id", "Openai-Processing-Ms", "Openai-Version", "Anthropic-Beta", "Cf-Ray", "X-Ms-Region", "Apim-Request-Id", "Cache-Control"}
	var headers []string
	for _, name := range append(append([]string{}, stays...), goes...) {
		headers = append(headers, name, "1")
	}
	b := newBench(t, change{}, answers(200, plain, append(headers, "Content-Type", "application/json")...))
	resp, _ := b.post(t, chatPath, chat)
	for _, name := range stays {
		require.Empty(t, resp.Header.Get(name), name)
	}
	for _, name := range goes {
		require.Equal(t, "1", resp.Header.Get(name), name)
	}
}

// Errors reach the client without the names of the account, in streams too. Content
// stays as it is.
func TestAccountsInErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		typ, body  string
		gone, stay string
	}{
		"organization":   {400, "application/json", `{"error":{"message":"Limit for gpt-4 in organization org-AbCdEf0123456789 on tokens"}}`, "AbCdEf0123456789", "on tokens"},
		"shortened key":  {400, "application/json", `{"error":{"message":"Incorrect API key provided: sk-proj-****abcd. See"}}`, "abcd", ". See"},
		"another's key":  {422, "text/plain", "no access: Bearer eyJhbGciOi.J9", "eyJhbGciOi", "no access"},
		"in a stream":    {200, "text/event-stream", chunk + `data: {"error":{"message":"project proj_AbCdEf0123456789"}}` + "\n\n", "AbCdEf0123456789", "project"},
		"whole key":      {400, "application/json", `{"error":{"message":"` + secret + `"}}`, secret, "message"},
		"key in content": {200, "application/json", `{"choices":[{"message":{"content":"org-AbCdEf0123456789 and ` + secret + `"}}]}`, secret, "org-AbCdEf0123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, answers(tt.status, tt.body, "Content-Type", tt.typ))
			resp, text := b.post(t, chatPath, chat)
			require.Equal(t, tt.status, resp.StatusCode)
			require.NotContains(t, text, tt.gone)
			require.Contains(t, text, tt.stay)
			require.Len(t, text, len(tt.body))
		})
	}
}

// An answer of no API's status, or one that ends before its length, is 502 and not a
// part of an answer.
func TestBrokenAnswers(t *testing.T) {
	raw := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			c, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			_, _ = buf.WriteString(text)
			_ = buf.Flush()
			_ = c.Close()
		})
	}
	const typ = "Content-Type: application/json\r\n"
	for name, text := range map[string]string{
		"0":              "HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\n{}",
		"99":             "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\n{}",
		"101":            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"304":            "HTTP/1.1 304 Not Modified\r\n\r\n",
		"redirect":       "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
		"999":            "HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\n{}",
		"short":          fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", typ, len(plain)+10, plain),
		"two lengths":    fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: 5\r\nContent-Length: %d\r\n\r\n%s", typ, len(plain), plain),
		"no number":      "HTTP/1.1 200 OK\r\n" + typ + "Content-Length: many\r\n\r\n" + plain,
		"negative":       "HTTP/1.1 200 OK\r\n" + typ + "Content-Length: -1\r\n\r\n" + plain,
		"cut in a chunk": "HTTP/1.1 200 OK\r\n" + typ + "Transfer-Encoding: chunked\r\n\r\n50\r\n{\"a\":",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, raw(text))
			resp, body := b.post(t, chatPath, chat)
			require.Equal(t, http.StatusBadGateway, resp.StatusCode, body)
			require.Contains(t, body, `"api_error"`)
			require.Empty(t, resp.Header.Get("Location"))
			require.NotContains(t, b.log.String(), "panic")
			b.settled(t)
		})
	}
	large := fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: 200000\r\n\r\n%s", typ, strings.Repeat(" ", 100_000))
	b := newBench(t, change{}, raw(large))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+chatPath, strings.NewReader(chat))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err, "what has begun cannot become a 502")
	require.NoError(t, resp.Body.Close())
	b.settled(t)
}
