package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func TestRefusals(t *testing.T) {
	unreachable := func(c *proxy.Config) {
		c.Base = roundTrip(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial tcp 10.1.2.3:443: refused") })
	}
	fine := answers(200, plain)
	tests := []struct {
		name, method, path, body string
		limits                   engine.Limits
		provider                 http.Handler
		edit                     func(*proxy.Config)
		headers                  []string
		status                   int
		want                     string
	}{
		{name: "no such path", path: "/openai/v1/images", body: "{}", status: 404, want: `{"error":{"message":"the path \"/openai/v1/images\" is not served by this proxy; below /openai/v1 it serves /chat/completions, /completions, /responses, /responses/compact, /responses/input_tokens, /embeddings, /images/generations, /images/edits, /images/variations, /audio/speech, /audio/transcriptions, /audio/translations, /moderations, /rerank, /models, /files and /batches","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "no such path of Anthropic's", path: "/anthropic/v1/complete", body: "{}", status: 404, want: `{"type":"error","error":{"type":"not_found_error","message":"the path \"/anthropic/v1/complete\" is not served by this proxy; below /anthropic/v1 it serves /messages, /messages/count_tokens, /messages/batches and /models"}}`},
		{name: "method", method: "GET", path: chatPath, status: 405, want: `{"error":{"message":"use POST for this path","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "a form", path: chatPath, body: chat, headers: []string{"Content-Type", "text/plain"}, status: 415, want: `{"error":{"message":"the header Content-Type must be application/json","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "unknown group", path: chatPath, body: `{"model":"nobody"}`, status: 404, want: `{"error":{"message":"the model \"nobody\" does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}`},
		{name: "group without endpoints", path: chatPath, body: `{"model":"decided-only"}`, status: 404, want: `{"error":{"message":"the model \"decided-only\" cannot be called: none of its deployments has an endpoint","type":"invalid_request_error","param":null,"code":"model_not_found"}}`},
		{name: "other API", path: messagesPath, body: `{"model":"chat","messages":[]}`, status: 400, want: `{"type":"error","error":{"type":"invalid_request_error","message":"the model \"chat\" is not served by this API"}}`},
		{name: "no JSON", path: chatPath, body: `{"model`, status: 400, want: `{"error":{"message":"the body cannot be used: its JSON is incomplete","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "too much in memory", path: chatPath, body: chat, edit: func(c *proxy.Config) { c.MaxHeld = 10 }, status: 503, want: `{"error":{"message":"too many bytes of requests are held in memory; try again","type":"api_error","param":null,"code":null}}`},
		{name: "never fits", path: chatPath, body: chat, limits: engine.Limits{TPM: 5}, status: 429, want: `{"error":{"message":"Request too large for \"chat\": it will not fit its limits (tpm).","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`},
		{name: "unreachable", path: chatPath, body: chat, edit: unreachable, status: 502, want: `{"error":{"message":"none of the deployments that were tried could be reached; see the log for the reason","type":"api_error","param":null,"code":null}}`},
		{name: "a wrong key", path: chatPath, body: chat, provider: answers(401, `{"error":{"message":"Incorrect API key provided: `+secret+`"}}`), status: 502, want: `{"error":{"message":"the provider refused the deployment's credential with status 401","type":"api_error","param":null,"code":null}}`},
		{name: "the provider's own", path: chatPath, body: chat, provider: answers(400, `{"error":{"message":"no"}}`), status: 400, want: `{"error":{"message":"no"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.provider == nil {
				tt.provider = fine
			}
			b := newBench(t, change{limits: tt.limits, edit: tt.edit}, tt.provider)
			var resp *http.Response
			var text string
			if tt.method == "GET" {
				r, err := http.Get(b.url + tt.path)
				require.NoError(t, err)
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
				resp, text = r, string(body)
			} else {
				resp, text = b.post(t, tt.path, tt.body, tt.headers...)
			}
			require.Equal(t, tt.status, resp.StatusCode, text)
			require.JSONEq(t, tt.want, text)
			if tt.name != "the provider's own" {
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			}
			require.NotEmpty(t, resp.Header.Get("X-Request-Id"))
			b.settled(t)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A body that does not come in time is given up, one that comes slowly but surely
// is not.
func TestSlowBodies(t *testing.T) {
	b := newBench(t, change{edit: func(c *proxy.Config) { c.Patience = 600 * time.Millisecond }}, answers(200, plain))
	send := func(gap time.Duration) string {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", chatPath, len(chat), chat[:10])
		require.NoError(t, err)
		<-time.After(gap)
		_, _ = io.WriteString(c, chat[10:])
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		return line
	}
	require.Equal(t, "HTTP/1.1 200 OK\r\n", send(400*time.Millisecond), "longer than other requests may take")
	require.Equal(t, "HTTP/1.1 408 Request Timeout\r\n", send(900*time.Millisecond))
	b.settled(t)
}

// Bodies above the limit are refused, declared or not.
func TestLargeBodies(t *testing.T) {
	b := newBench(t, change{edit: func(c *proxy.Config) { c.MaxBody = 1000 }}, answers(200, plain))
	large := `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("long ", 1000) + `"}]}`
	resp, text := b.post(t, chatPath, large, "X-Plimsoll-Group", "chat")
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.Contains(t, text, "larger than 1000 bytes")
	require.Equal(t, "false", resp.Header.Get("X-Should-Retry"))
	b.settled(t)
}

// A body counts by the bytes that arrived, whatever length was declared.
func TestDeclaredLengthsHoldNothing(t *testing.T) {
	b := newBench(t, change{edit: func(c *proxy.Config) { c.MaxHeld = 1000 }}, answers(200, plain))
	for range 20 {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", chatPath, 8<<20)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return b.proxy.Held() == 20 }, 10*time.Second, time.Millisecond)
	resp, text := b.post(t, chatPath, chat)
	require.Equal(t, 200, resp.StatusCode, text)
}

// An SDK without a bound of its own would sleep for as long as a provider's refusal says.
func TestLongWaitsOfProviders(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		headers []string
		want    string
	}{
		"a day":               {429, []string{"Retry-After", "86400"}, "false"},
		"a date":              {429, []string{"Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, "false"},
		"milliseconds":        {503, []string{"Retry-After-Ms", "90000"}, "false"},
		"a minute":            {429, []string{"Retry-After", "60"}, ""},
		"a date that is near": {429, []string{"Retry-After", time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)}, ""},
		"none":                {429, nil, ""},
		"nonsense":            {429, []string{"Retry-After", "soon"}, ""},
		"the provider says":   {429, []string{"Retry-After", "86400", "X-Should-Retry", "true"}, "true"},
		"an answer":           {200, []string{"Retry-After", "86400"}, ""},
	} {
		b := newBench(t, change{}, answers(tt.status, `{"choices":[],"error":{}}`, append([]string{"Content-Type", "application/json"}, tt.headers...)...))
		resp, _ := b.post(t, chatPath, chat)
		require.Equal(t, tt.status, resp.StatusCode, name)
		require.Equal(t, tt.want, resp.Header.Get("X-Should-Retry"), name)
	}
}
