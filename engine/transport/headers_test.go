package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// Only headers that are known to be harmless travel upstream, and those that an
// endpoint names.
func TestAllowedHeaders(t *testing.T) {
	p := &fake.Provider{}
	b := newBench(t, change{edit: func(c *transport.Config) {
		ep := c.Endpoints["a"]
		ep.PassHeaders = []string{"x-tenant"}
		c.Endpoints["a"] = ep
	}}, p)
	r := request(t.Context(), t, "/chat/completions", `{"model":"chat"}`)
	stays := []string{
		"X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "Cookie", "Proxy-Authorization", "X-Amz-Security-Token",
		"Openai-Organization", "Openai-Project", "X-Portkey-Custom-Host", "X-Portkey-Config", "Helicone-Target-Url", "Helicone-Auth", "X-Litellm-Api-Base", "Cf-Aig-Authorization",
		"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url", "X-Envoy-Original-Path", "X-Forwarded-User", "X-Forwarded-For", "Forwarded", "Via",
		"True-Client-Ip", "Cf-Connecting-Ip", "X-Real-Ip", "Proxy", "Origin", "Referer", "Te", "Content-Encoding", "X-Unknown", "X_api_key", "Transfer_encoding",
		"X-Plimsoll-Group", "X-Plimsoll-Wait", "X-Litellm-Tags",
	}
	goes := []string{
		"User-Agent", "Openai-Beta", "Anthropic-Beta", "X-Stainless-Lang", "Idempotency-Key", "Traceparent", "X-Claude-Code-Session-Id", "X-Title", "Http-Referer", "X-Tenant", "Session_id",
	}
	for _, name := range append(append([]string{}, stays...), goes...) {
		r.Header[name] = []string{"client's"}
	}
	r.Header["X-Stainless-Hop"] = []string{"client's"}
	r.Header.Set("Connection", "close, X-Stainless-Hop")
	resp, text := b.send(t, r)
	require.Equal(t, 200, resp.StatusCode, text)
	got, _ := p.Last()
	for _, name := range stays {
		require.Empty(t, got.Header[name], name)
	}
	for _, name := range goes {
		require.Equal(t, []string{"client's"}, got.Header[name], name)
	}
	require.Empty(t, got.Header["X-Stainless-Hop"], "a header of the connection")
	require.Equal(t, "Bearer "+secret, got.Header.Get("Authorization"))
}

func TestPassHeadersAreChecked(t *testing.T) {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "c", Group: "g"}}})
	require.NoError(t, err)
	ep := transport.Endpoint{API: transport.OpenAI, BaseURL: "https://api.example.com/v1"}
	for _, name := range []string{"Authorization", "x-api-key", "cookie", "Content-Length", "Connection", "X-Plimsoll-Wait", "", "a b", "a:b", "\n"} {
		ep.PassHeaders = []string{name}
		_, err := transport.New(transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"c": ep}, Base: http.DefaultTransport})
		require.ErrorContains(t, err, `Endpoints["c"].PassHeaders`, name)
	}
}

// Of a client's query no more is sent than the APIs document: gateways behind take a model, an
// address or a key from it.
func TestSentQuery(t *testing.T) {
	p := &fake.Provider{}
	b := newBench(t, change{}, p)
	for query, want := range map[string]string{
		"":                            "",
		"beta=true":                   "beta=true",
		"model=gpt-5-pro":             "",
		"model=x&beta=true":           "beta=true",
		"key=k&access_token=t":        "",
		"%6dodel=x":                   "",
		"model%5B%5D=x":               "",
		"model=x;beta=true":           "",
		"api_base=http%3A%2F%2F":      "",
		"api-version=1":               "",
		"beta=a&beta=b":               "beta=a&beta=b",
		"Model=x&MODEL=y":             "",
		"include%5B%5D=a%26model%3Dx": "include%5B%5D=a%26model%3Dx",
	} {
		resp, text := b.post(t, "/chat/completions?"+query, plainChat)
		require.Equal(t, 200, resp.StatusCode, text)
		got, _ := p.Last()
		require.Equal(t, want, got.URL.RawQuery, query)
	}
}
