package proxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// ownGroups puts each deployment into a group of its own: chat, second, third.
func ownGroups(c *engine.Config) {
	for i, name := range []string{"chat", "second", "third"}[:len(c.Deployments)-1] {
		c.Deployments[i].Group = name
	}
}

// A call goes to the fallbacks of its group, and theirs, and says where it was served.
func TestFallbacks(t *testing.T) {
	const tooLong = `{"error":{"code":"context_length_exceeded","message":"maximum context length is 10 tokens"}}`
	for name, c := range map[string]struct {
		routing config.Routing
		own     http.Handler
		status  int
		group   string
	}{
		"none":           {config.Routing{}, answers(500, `{}`), 500, "chat"},
		"of the group":   {config.Routing{Fallbacks: map[string][]string{"chat": {"third"}}}, answers(500, `{}`), 200, "third"},
		"of fallbacks":   {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}, "second": {"third"}}}, answers(500, `{}`), 200, "third"},
		"of all groups":  {config.Routing{Fallbacks: map[string][]string{"*": {"third"}}}, answers(429, `{}`), 200, "third"},
		"in a circle":    {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}, "second": {"chat"}}}, answers(500, `{}`), 500, "chat"},
		"by an alias":    {config.Routing{Fallbacks: map[string][]string{"chat": {"best"}}}, answers(500, `{}`), 200, "third"},
		"for the length": {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}}, ContextFallbacks: map[string][]string{"chat": {"third"}}}, answers(400, tooLong), 200, "third"},
		"bad request":    {config.Routing{Fallbacks: map[string][]string{"chat": {"third"}}}, answers(400, `{"error":{"code":"invalid_value"}}`), 400, "chat"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{change: ownGroups, aliases: map[string]string{"best": "third"}}, c.own, answers(500, `{}`), answers(200, plain, "Content-Type", "application/json"))
			b.proxy.Route(c.routing)
			resp, body := b.post(t, chatPath, chat)
			require.Equal(t, c.status, resp.StatusCode, body)
			require.Equal(t, c.group, resp.Header.Get(transport.HeaderGroup))
			b.settled(t)
		})
	}
}

// A client's own fallbacks stand in place of the configuration's, and reach no provider.
func TestFallbacksOfClients(t *testing.T) {
	for members, group := range map[string]string{
		`"fallbacks":["third"]`:                          "third",
		`"fallbacks":["nowhere","best"]`:                 "third",
		`"fallbacks":[{"model":"third","n":1}]`:          "third",
		`"fallbacks":[{"chat":["third"]}]`:               "third",
		`"fallbacks":[{"other":["third"]}]`:              "chat",
		`"fallbacks":[]`:                                 "chat",
		`"fallbacks":null`:                               "second",
		`"fallbacks":"third"`:                            "second",
		`"disable_fallbacks":true`:                       "chat",
		`"disable_fallbacks":false`:                      "second",
		`"disable_fallbacks":true,"fallbacks":["third"]`: "chat",
	} {
		var seen string
		own := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			seen = string(text)
			w.WriteHeader(http.StatusInternalServerError)
		})
		ok := answers(200, plain, "Content-Type", "application/json")
		b := newBench(t, change{change: ownGroups, aliases: map[string]string{"best": "third"}}, own, ok, ok)
		b.proxy.Route(config.Routing{Fallbacks: map[string][]string{"chat": {"second"}}})
		resp, body := b.post(t, chatPath, strings.Replace(chat, "{", "{"+members+",", 1))
		require.Equal(t, group, resp.Header.Get(transport.HeaderGroup), "%s: %s", members, body)
		require.NotContains(t, seen, "fallbacks")
		b.settled(t)
	}
}

// LiteLLM's rule for tags chooses deployments; our own header stays strict.
func TestTagRules(t *testing.T) {
	tagged := func(c *engine.Config) {
		for i, tags := range [][]string{{"eu", "paid"}, {"us", "paid"}, {"default"}} {
			c.Deployments[i].Tags = tags
		}
	}
	const none = ""
	for _, c := range []struct {
		rule       config.TagRule
		tags, want string // of LiteLLM's header; the deployment, none = refused
	}{
		{config.TagsAny, "", "c"},
		{config.TagsAny, "us", "b"},
		{config.TagsAny, "us,nowhere", "b"},
		{config.TagsAny, "paid", "a"},
		{config.TagsAny, "spending-label", "c"},
		{config.TagsAny, "&paid,!eu", "b"},
		{config.TagsAny, "!paid", "c"},
		{config.TagsAny, "!default", none},
		{config.TagsAny, "&paid", "a"},
		{config.TagsAny, "&paid,&default", none},
		{config.TagsAll, "us,paid", "b"},
		{config.TagsAll, "us,eu", none},
		{config.TagsAll, "us,nowhere", none},
		{config.TagsAll, "nowhere", "c"},
		{config.TagsKnown, "", "a"},
		{config.TagsKnown, "us,nowhere", "b"},
		{config.TagsIgnored, "us", "a"},
	} {
		b := newBench(t, change{change: tagged}, answers(200, plain), answers(200, plain), answers(200, plain))
		b.proxy.Route(config.Routing{Tags: c.rule})
		resp, body := b.post(t, chatPath, chat, "X-Litellm-Tags", c.tags)
		require.Equal(t, c.want, resp.Header.Get(transport.HeaderDeployment), "%s %q: %s", c.rule, c.tags, body)
		if c.want == none {
			require.Equal(t, 400, resp.StatusCode)
		}
		resp, _ = b.post(t, chatPath, strings.Replace(chat, "{", `{"metadata":{"tags":["us"]},`, 1), "X-Plimsoll-Tags", "us")
		require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
	}
}

// The number of retries is the file's.
func TestMaxAttempts(t *testing.T) {
	b := newBench(t, change{}, answers(429, `{}`), answers(200, plain))
	b.proxy.Route(config.Routing{MaxAttempts: 1})
	resp, _ := b.post(t, chatPath, chat)
	require.Equal(t, 429, resp.StatusCode)
	b.proxy.Route(config.Routing{MaxAttempts: 2})
	b = newBench(t, change{}, answers(429, `{}`), answers(200, plain))
	resp, _ = b.post(t, chatPath, chat)
	require.Equal(t, 200, resp.StatusCode)
}

// as sends a chat as the holder of a token for some groups does.
func (b *bench) as(t *testing.T, body string, groups ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	b.proxy.Register(mux)
	r := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(server.WithCaller(r.Context(), &server.Token{Name: "who", Groups: groups})))
	return w.Result()
}

// A token does not reach a group by a fallback that it may not call.
func TestFallbacksOfTokens(t *testing.T) {
	b := newBench(t, change{change: ownGroups}, answers(500, `{}`), answers(200, plain, "Content-Type", "application/json"))
	b.proxy.Route(config.Routing{Fallbacks: map[string][]string{"chat": {"second"}}})
	require.Equal(t, 200, b.as(t, chat, "chat", "second").StatusCode)
	require.Equal(t, 500, b.as(t, chat, "chat").StatusCode)
	require.Equal(t, 403, b.as(t, chat, "second").StatusCode)
}

// The models that are listed are those that a token may ask for.
func TestModelsOfTokens(t *testing.T) {
	b := newBench(t, change{change: ownGroups}, answers(200, plain), answers(200, plain))
	mux := http.NewServeMux()
	b.proxy.Register(mux)
	for path, want := range map[string]int{"/openai/v1/models": 200, "/anthropic/v1/models": 200, "/openai/v1/models/chat": 404, "/openai/v1/models/second": 200} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		mux.ServeHTTP(w, r.WithContext(server.WithCaller(r.Context(), &server.Token{Name: "who", Groups: []string{"sec*"}})))
		require.Equal(t, want, w.Code, path)
		require.NotContains(t, w.Body.String(), `"id":"chat"`)
		if want == 200 {
			require.Contains(t, w.Body.String(), `"id":"second"`)
		}
	}
}

// All names of a pattern share its limits; the model that is sent is the name's, and no
// asterisk is. A token names models: one for gpt-* reaches the others of * in no way.
func TestPatternsOfModels(t *testing.T) {
	var sent []string
	b := newBench(t, change{limits: engine.Limits{RPM: 3}, change: func(c *engine.Config) { c.Deployments[0].Group = "*" }},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Model string }
			_ = json.NewDecoder(r.Body).Decode(&body)
			sent = append(sent, body.Model)
			answers(200, plain, "Content-Type", "application/json").ServeHTTP(w, r)
		}))
	endpoints := map[string]transport.Endpoint{"a": {API: transport.OpenAI, BaseURL: b.upstream[0] + "/v1", Model: "x-*", Credential: transport.Key(secret)}}
	cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "*", Limits: engine.Limits{RPM: 3}}}, Aliases: map[string]string{"best": "one"}}
	require.NoError(t, b.eng.Apply(cfg))
	require.NoError(t, b.proxy.Apply(cfg, endpoints, nil))
	of := func(model string) string { return strings.Replace(chat, `"chat"`, `"`+model+`"`, 1) }
	for model, status := range map[string]int{"*": 404, "gpt-*": 404} {
		resp, _ := b.post(t, chatPath, of(model))
		require.Equal(t, status, resp.StatusCode)
	}
	require.Equal(t, 403, b.as(t, of("claude"), "gpt-*").StatusCode)
	require.Equal(t, 200, b.as(t, of("gpt-4o"), "gpt-*").StatusCode)
	require.Equal(t, 403, b.as(t, of("best"), "gpt-*").StatusCode)
	for model, status := range map[string]int{"best": 200, "two": 200} {
		resp, _ := b.post(t, chatPath, of(model))
		require.Equal(t, status, resp.StatusCode)
		require.Equal(t, "*", resp.Header.Get(transport.HeaderGroup))
	}
	resp, _ := b.post(t, chatPath, of("three"))
	require.Equal(t, 429, resp.StatusCode)
	require.ElementsMatch(t, []string{"x-gpt-4o", "x-one", "x-two"}, sent)
}
