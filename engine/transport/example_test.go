package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// Two deployments behind one http.Client: whatever makes requests with it, an SDK
// for instance, needs to know nothing of them.
func Example() {
	east, main := httptest.NewServer(&fake.Provider{}), httptest.NewServer(&fake.Provider{})
	defer east.Close()
	defer main.Close()

	endpoints := map[string]transport.Endpoint{
		"azure-east":  {API: transport.Azure, BaseURL: east.URL, Model: "gpt-4o-east", APIVersion: "2024-10-21", Credential: transport.Key("k1")},
		"openai-main": {API: transport.OpenAI, BaseURL: main.URL + "/v1", Credential: transport.Key("k2")},
	}
	eng, err := engine.New(transport.Profiles(engine.Config{Deployments: []engine.Deployment{
		{ID: "azure-east", Group: "gpt-4o", Limits: engine.Limits{RPM: 600, TPM: 100_000}},
		{ID: "openai-main", Group: "gpt-4o", Limits: engine.Limits{RPM: 3_000, TPM: 450_000}, Order: 1},
	}}, endpoints))
	if err != nil {
		panic(err)
	}
	rt, err := transport.New(transport.Config{Engine: eng, Endpoints: endpoints})
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: rt} // for openai-go: option.WithHTTPClient(client)

	resp, err := client.Post("http://plimsoll.invalid/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Header.Get(transport.HeaderDeployment), eng.Stats().Settled)
	// Output: 200 azure-east 1
}

// A gateway that counts prompts exactly, gives up on silent providers sooner, and does not
// hold answers back for long.
func ExampleConfig() {
	srv := httptest.NewServer(&fake.Provider{})
	defer srv.Close()
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "main", Group: "gpt-4o"}}})
	if err != nil {
		panic(err)
	}
	exact, err := estimate.NewExact(estimate.O200K)
	if err != nil {
		panic(err)
	}
	rt, err := transport.New(transport.Config{
		Engine:      eng,
		Endpoints:   map[string]transport.Endpoint{"main": {API: transport.OpenAI, BaseURL: srv.URL}},
		Counter:     func(string) estimate.Counter { return exact },
		MaxAttempts: 2,
		Timeouts:    transport.Timeouts{Connect: 2 * time.Second, FirstByte: 3 * time.Minute, StreamFirstByte: 20 * time.Second, Idle: time.Minute},
		HoldTime:    500 * time.Millisecond,
		HoldBytes:   16 << 10,
	})
	if err != nil {
		panic(err)
	}
	resp, err := (&http.Client{Transport: rt}).Post("http://any.invalid/embeddings", "application/json",
		strings.NewReader(`{"model":"gpt-4o","input":"antidisestablishmentarianism"}`))
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

func ExampleConfig_Done() {
	srv := httptest.NewServer(&fake.Provider{})
	defer srv.Close()
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "main", Group: "gpt-4o"}}})
	if err != nil {
		panic(err)
	}
	rt, err := transport.New(transport.Config{
		Engine:    eng,
		Endpoints: map[string]transport.Endpoint{"main": {API: transport.OpenAI, BaseURL: srv.URL}},
		Done: func(a transport.Attempt) {
			fmt.Println(a.Deployment, a.Number, a.Status, a.Ending, a.Usage.OutputTokens, a.Reported)
		},
	})
	if err != nil {
		panic(err)
	}
	resp, err := (&http.Client{Transport: rt}).Post("http://any.invalid/chat/completions", "application/json",
		strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"Count. out=20"}]}`))
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	// Output: main 1 200 settled 20 true
}

// The endpoints follow the engine's deployments.
func ExampleTransport_Apply() {
	main := engine.Deployment{ID: "main", Group: "gpt-4o"}
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{main}})
	if err != nil {
		panic(err)
	}
	endpoints := map[string]transport.Endpoint{"main": {API: transport.OpenAI, BaseURL: "https://api.openai.com/v1", Credential: transport.Env("OPENAI_API_KEY")}}
	rt, err := transport.New(transport.Config{Engine: eng, Endpoints: endpoints})
	if err != nil {
		panic(err)
	}
	if err := eng.Apply(engine.Config{Deployments: []engine.Deployment{main, {ID: "spare", Group: "gpt-4o"}}}); err != nil {
		panic(err)
	}
	fmt.Println(rt.Apply(endpoints))
	// Output: transport: Endpoints["spare"]: is missing; group "gpt-4o" has one for "main", so it needs one for each of its deployments
}

func ExampleCredential() {
	token := func(context.Context) (string, error) { return "a token, kept until it expires", nil }
	ep := transport.Endpoint{API: transport.Azure, BaseURL: "https://name.openai.azure.com", Bearer: true, Credential: token}
	fmt.Println(ep.Credential != nil)
	// Output: true
}

// Each deployment counts as its provider does, unless the configuration says how.
func ExampleProfiles() {
	endpoints := map[string]transport.Endpoint{
		"east":   {API: transport.Azure, BaseURL: "https://east.openai.azure.com"},
		"claude": {API: transport.Anthropic, BaseURL: "https://api.anthropic.com"},
		"own":    {API: transport.OpenAI, BaseURL: "http://10.0.0.7:8000/v1", Provider: "vllm"},
	}
	cfg := transport.Profiles(engine.Config{Deployments: []engine.Deployment{
		{ID: "east", Group: "gpt-4o", Limits: engine.Limits{TPM: 100_000}},
		{ID: "claude", Group: "claude", Limits: engine.Limits{InputTPM: 50_000, OutputTPM: 10_000}},
		{ID: "own", Group: "llama", Limits: engine.Limits{TPM: 1_000_000}},
	}}, endpoints)
	eng, err := engine.New(cfg)
	if err != nil {
		panic(err)
	}
	if _, err := transport.New(transport.Config{Engine: eng, Endpoints: endpoints}); err != nil {
		panic(err)
	}
	for _, d := range cfg.Deployments {
		fmt.Println(d.ID, d.Profile.Shape, d.Profile.Admit, d.Profile.RequestWindow)
	}
	// Output:
	// east minute input+max 10s
	// claude bucket input 0s
	// own bucket expected 0s
}
