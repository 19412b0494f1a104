package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// Every operation, plain and as a stream, costs in the engine what the provider
// reported.
func TestUsageIsSettledAsReported(t *testing.T) {
	const prompt = `"Say something. out=137"`
	tests := []struct {
		name, path, body string
		api              transport.API
	}{
		{name: "chat", path: "/chat/completions", body: `{"model":"chat","messages":[{"role":"user","content":` + prompt + `}]}`},
		{name: "chat stream", path: "/chat/completions", body: `{"model":"chat","stream":true,"messages":[{"role":"user","content":` + prompt + `}]}`},
		{name: "responses", path: "/responses", body: `{"model":"chat","input":` + prompt + `}`},
		{name: "responses stream", path: "/responses", body: `{"model":"chat","stream":true,"input":` + prompt + `}`},
		{name: "embeddings", path: "/embeddings", body: `{"model":"chat","input":["one","two"]}`},
		{name: "messages", path: "/messages", body: `{"model":"chat","max_tokens":500,"messages":[{"role":"user","content":` + prompt + `}]}`, api: transport.Anthropic},
		{name: "messages stream", path: "/messages", body: `{"model":"chat","max_tokens":500,"stream":true,"messages":[{"role":"user","content":` + prompt + `}]}`, api: transport.Anthropic},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &fake.Provider{Style: "openai", Key: secret}
			if tt.api == transport.Anthropic {
				p.Style = "anthropic"
			}
			b := newBench(t, change{api: tt.api}, p)
			resp, text := b.post(t, tt.path, tt.body)
			require.Equal(t, http.StatusOK, resp.StatusCode, text)
			require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
			require.Equal(t, "chat", resp.Header.Get(transport.HeaderGroup))
			require.Equal(t, "1", resp.Header.Get(transport.HeaderAttempts))

			got := b.attempts()
			require.Len(t, got, 1)
			require.True(t, got[0].Reported)
			require.Equal(t, transport.Settled, got[0].Ending)
			require.Positive(t, p.Input.Load())
			require.Equal(t, engine.Usage{InputTokens: p.Input.Load(), OutputTokens: p.Output.Load()}, got[0].Usage)
			require.Equal(t, p.Input.Load()+p.Output.Load(), b.eng.Stats().Tokens)
			b.atRest(t)
		})
	}
}

func TestStreamUsageIsAskedForAndHidden(t *testing.T) {
	p := &fake.Provider{}
	b := newBench(t, change{}, p)
	const usageChunk = `"choices":[],`
	_, text := b.post(t, "/chat/completions", `{"model":"chat","stream":true,"stream_options":{"include_obfuscation":false},"messages":[]}`)
	require.NotContains(t, text, usageChunk)
	require.Contains(t, text, "data: [DONE]")
	_, sent := p.Last()
	require.JSONEq(t, `{"model":"model-a","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true},"messages":[]}`, string(sent))

	_, text = b.post(t, "/chat/completions", `{"model":"chat","stream":true,"stream_options":{"include_usage":true},"messages":[]}`)
	require.Contains(t, text, usageChunk)
	require.Contains(t, text, "data: [DONE]")
}

// What the transport does not change arrives byte for byte.
func TestBodyIsKept(t *testing.T) {
	p := &fake.Provider{}
	b := newBench(t, change{}, p)
	b.post(t, "/chat/completions", "{ \"x\" : 1.50e+3,\t\"model\" : \"chat\" , \"messages\":[ ],\"e\":\"\\u00e9<\" }")
	_, sent := p.Last()
	require.Equal(t, "{ \"x\" : 1.50e+3,\t\"model\" : \"model-a\" , \"messages\":[ ],\"e\":\"\\u00e9<\" }", string(sent))
}

func TestWhereRequestsGo(t *testing.T) {
	tests := []struct {
		name, path, want string
		ep               transport.Endpoint
		key, value       string
	}{
		{"openai", "/v1/chat/completions", "/v1/chat/completions", transport.Endpoint{API: transport.OpenAI, BaseURL: "/v1/"}, "Authorization", "Bearer " + secret},
		{"azure by deployment", "/v1/chat/completions?api-version=old&beta=1&x=1", "/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21&beta=1", transport.Endpoint{API: transport.Azure, Model: "my/gpt", APIVersion: "2024-10-21"}, "Api-Key", secret},
		{"azure embeddings", "/openai/deployments/any/embeddings", "/openai/deployments/e/embeddings?api-version=2024-10-21", transport.Endpoint{API: transport.Azure, Model: "e", APIVersion: "2024-10-21"}, "Api-Key", secret},
		{"azure responses", "/v1/responses", "/openai/responses?api-version=2025-03-01-preview", transport.Endpoint{API: transport.Azure, Model: "m", APIVersion: "2025-03-01-preview"}, "Api-Key", secret},
		{"azure v1", "/v1/responses", "/openai/v1/responses", transport.Endpoint{API: transport.Azure}, "Api-Key", secret},
		{"azure, Entra ID", "/v1/responses", "/openai/v1/responses", transport.Endpoint{API: transport.Azure, Bearer: true}, "Authorization", "Bearer " + secret},
		{"anthropic", "/v1/messages?beta=true", "/v1/messages?beta=true", transport.Endpoint{API: transport.Anthropic}, "X-Api-Key", secret},
		{"anthropic with v1", "/messages", "/v1/messages", transport.Endpoint{API: transport.Anthropic, BaseURL: "/v1"}, "X-Api-Key", secret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &fake.Provider{}
			b := newBench(t, change{edit: func(c *transport.Config) {
				base := c.Endpoints["a"].BaseURL
				tt.ep.BaseURL = base[:len(base)-len("/v1")] + tt.ep.BaseURL
				tt.ep.Credential = transport.Key(secret)
				c.Endpoints["a"] = tt.ep
			}}, p)
			r := request(t.Context(), t, "", `{"model":"chat","messages":[],"input":"x"}`)
			u, err := r.URL.Parse(tt.path)
			require.NoError(t, err)
			r.URL = u
			for _, name := range []string{"Api-Key", "X-Api-Key", "Cookie", "OpenAI-Organization", "Te", "Keep-Alive", "Proxy-Authorization", "X-Forwarded-For", "Origin", "Expect", "X-Hop"} {
				r.Header.Set(name, "client-key")
			}
			r.Header.Set("Connection", "close, X-Hop")
			r.Header.Set("OpenAI-Beta", "kept")
			resp, text := b.send(t, r)
			require.Equal(t, http.StatusOK, resp.StatusCode, text)
			got, _ := p.Last()
			require.Equal(t, tt.want, got.RequestURI)
			require.Equal(t, tt.value, got.Header.Get(tt.key))
			for name, values := range got.Header {
				require.NotContains(t, values, "client-key", name)
				require.NotContains(t, values, "Bearer client-key", name)
			}
			require.Equal(t, "kept", got.Header.Get("OpenAI-Beta"))
			// Nor does the answer lead to the deployment's credential.
			require.Equal(t, "Bearer client-key", resp.Request.Header.Get("Authorization"))
			require.NotContains(t, resp.Request.Header.Get(tt.key), secret)
		})
	}
}

// A group takes only requests that its endpoints understand.
func TestShapesAreNotMixed(t *testing.T) {
	openai, anthropic := &fake.Provider{}, &fake.Provider{}
	b := newBench(t, change{edit: func(c *transport.Config) {
		ep := c.Endpoints["b"]
		ep.API = transport.Anthropic
		c.Endpoints["b"] = ep
	}}, openai, anthropic)
	resp, _ := b.post(t, "/messages", `{"model":"chat","messages":[]}`)
	require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
	resp, _ = b.post(t, "/chat/completions", `{"model":"chat","messages":[]}`)
	require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
	b.atRest(t)

	alone := newBench(t, change{}, openai)
	resp, text := alone.post(t, "/messages", `{"model":"chat","messages":[]}`)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.JSONEq(t, `{"type":"error","error":{"type":"invalid_request_error","message":"the model \"chat\" is not served by this API"}}`, text)
	alone.atRest(t)
}

func TestApplyEndpoints(t *testing.T) {
	p := &fake.Provider{}
	var endpoints map[string]transport.Endpoint
	b := newBench(t, change{edit: func(c *transport.Config) { endpoints = c.Endpoints }}, p)
	tr, ok := b.client.Transport.(*transport.Transport)
	require.True(t, ok)
	require.ErrorContains(t, tr.Apply(nil), "Endpoints: is empty")
	ep := endpoints["a"]
	ep.Model = "other"
	require.NoError(t, tr.Apply(map[string]transport.Endpoint{"a": ep}))
	b.post(t, "/embeddings", `{"model":"chat","input":"x"}`)
	_, sent := p.Last()
	require.JSONEq(t, `{"model":"other","input":"x"}`, string(sent))
}

// A group without endpoints is not served, whatever headroom it has, and nothing is
// counted for it.
func TestGroupWithoutEndpoints(t *testing.T) {
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "other"}, {ID: "c", Group: "full", Limits: engine.Limits{RPM: engine.Blocked}}},
		Aliases:     map[string]string{"also": "other"},
	})
	require.NoError(t, err)
	tr, err := transport.New(transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"a": {API: transport.OpenAI, BaseURL: "http://h"}}})
	require.NoError(t, err)
	b := &bench{eng: eng, client: &http.Client{Transport: tr}}
	for _, group := range []string{"other", "also", "full"} {
		resp, text := b.post(t, "/chat/completions", `{"model":"`+group+`","messages":[]}`)
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
		require.JSONEq(t, `{"error":{"message":"the model \"`+group+`\" cannot be called: none of its deployments has an endpoint","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, text)
	}
	require.Zero(t, eng.Stats().Admitted)
}
