package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// What litellm_params add to requests are defaults and headers of the endpoint.
func TestRequestDefaults(t *testing.T) {
	f := mustParse(t, `
model_list:
  - model_name: chat
    litellm_params:
      model: openai/gpt-4o
      api_key: k
      temperature: 0.2
      max_tokens: 100
      extra_body: {chat_template_kwargs: {enable_thinking: false}, list: [1, "a", null]}
      extra_headers: {X-Custom: yes-please, Authorization: Bearer other}
      organization: org-1
    model_info: {id: a}
  - model_name: reason
    litellm_params: {model: azure/d, api_base: "https://e.openai.azure.com", api_key: k, max_tokens: 5, stream: true}
    model_info: {id: b, base_model: azure/gpt-5-mini}
  - model_name: two
    litellm_params: {model: openai/gpt-4o, api_key: k, organization: [org-2, org-3]}
    model_info: {mode: chat}
router_settings: {default_litellm_params: {top_p: 0.5, temperature: 1}}
`)
	plain := func(m map[string]config.Secret) map[string]string {
		out := map[string]string{}
		for name, text := range m {
			out[name] = string(text)
		}
		return out
	}
	a, b := f.Endpoints["a"], f.Endpoints["b"]
	require.Equal(t, map[string]string{
		"temperature": "0.2", "max_tokens": "100", "top_p": "0.5", "chat_template_kwargs": `{"enable_thinking":false}`, "list": `[1,"a",null]`,
	}, plain(a.Defaults))
	require.Equal(t, map[string]string{"X-Custom": "yes-please", "Openai-Organization": "org-1"}, plain(a.Headers))
	require.Equal(t, map[string]string{"max_completion_tokens": "5", "top_p": "0.5", "temperature": "1"}, plain(b.Defaults))
	require.Contains(t, messages(f.Notes), "extra_headers: the header Authorization cannot be sent by serve")
	d := f.Engine.Deployments
	require.Equal(t, int64(100), d[0].DefaultMaxOutput)
	require.Len(t, d, 4)
	require.Equal(t, d[2].ID+"-2", d[3].ID)
	require.Equal(t, "org-3", string(f.Endpoints[d[3].ID].Headers["Openai-Organization"]))
}

// environment_variables stand before the process's, and are keys too.
func TestVariablesOfTheFile(t *testing.T) {
	f := mustParse(t, `
environment_variables: {OPENAI_API_KEY: sk-of-the-file-1, RPM: "7", REDIS_HOST: 127.0.0.1, REDIS_PORT: "6390"}
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, rpm: os.environ/RPM}, model_info: {id: a}}
  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}, model_info: {id: b}}
litellm_settings: {cache: true}
`)
	require.Equal(t, engine.Limits{RPM: 7}, f.Engine.Deployments[0].Limits)
	require.Equal(t, "valkey://127.0.0.1:6390", string(f.Store.URL))
	for _, id := range []string{"a", "b"} {
		key, err := f.Endpoints[id].Credential.Get(func(string) (string, bool) { return "", false })
		require.NoError(t, err)
		require.Equal(t, "sk-of-the-file-1", key)
	}
	require.NotContains(t, messages(f.Notes), "is not set")
}

// A file may include others below its directory; findings name theirs.
func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("sub/more.yaml", "model_list:\n  - {model_name: b, litellm_params: {model: openai/y, rmp: 5}, model_info: {id: b}}\nrouter_settings: {routing_strategy: usage-based-routing-v2}\n")
	main := write("main.yaml", "include: [sub/more.yaml]\nmodel_list: [{model_name: a, litellm_params: {model: openai/x}, model_info: {id: a}}]\n")
	f, err := config.Load(main, config.Options{})
	require.NoError(t, err)
	require.Len(t, f.Engine.Deployments, 2)
	require.Equal(t, engine.LowestTPM, f.Engine.Strategy)
	require.Contains(t, messages(f.Warnings), filepath.Join(dir, "sub", "more.yaml")+":2: model_list[0].litellm_params.rmp: is nothing that changes routing")

	for _, tt := range [][2]string{
		{"include: [../outside.yaml]\nmodel_list: []", "is not below this file's directory"},
		{"include: [absent.yaml]\nmodel_list: []", filepath.Join(dir, "absent.yaml") + ": no such file"},
	} {
		_, err = config.Load(write("bad.yaml", tt[0]), config.Options{})
		require.ErrorContains(t, err, tt[1])
	}
}

// Entries that seem to be one account are pointed out, until a pool says that they
// are.
func TestPoolsAreProposed(t *testing.T) {
	const entries = `
model_list:
  - {model_name: chat, litellm_params: {model: openai/x, api_base: "http://h/v1", api_key: k, rpm: 5}, model_info: {id: a%s}}
  - {model_name: batch, litellm_params: {model: openai/x, api_base: "http://h/v1", api_key: k, rpm: 5, timeout: 600}, model_info: {id: b%s}}
`
	f := mustParse(t, strings.ReplaceAll(entries, "%s", ""))
	require.Contains(t, messages(f.Notes), "f.yaml:3: model_list[0].model_info.plimsoll_pool: 2 deployments have the same model, address and key")
	f = mustParse(t, strings.ReplaceAll(entries, "%s", ", plimsoll_pool: p"))
	require.NotContains(t, messages(f.Notes), "plimsoll_pool")
	require.Equal(t, "p", f.Engine.Deployments[1].Profile.Pool)
}

// A base model says whose rule counts.
func TestBaseModelChoosesTheRule(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
model_list:
  - model_name: claude
    litellm_params: {model: "bedrock/arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", tpm: 1000}
    model_info: {id: a, base_model: "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"}
`), config.Options{Profiles: config.ProfilesAuto})
	require.NoError(t, err)
	require.Equal(t, 5.0, f.Engine.Deployments[0].Profile.Weights.Output)
}

func TestStrictStrategy(t *testing.T) {
	text := []byte("model_list: [{model_name: g, litellm_params: {model: m}}]\nrouter_settings: {routing_strategy: latency-based-routing}\n")
	f, err := config.Parse("f.yaml", text, config.Options{})
	require.NoError(t, err)
	require.Equal(t, engine.LeastUtilized, f.Engine.Strategy)
	require.Contains(t, messages(f.Warnings), "f.yaml:2: router_settings.routing_strategy: \"latency-based-routing\" is no strategy of plimsoll's")
	_, err = config.Parse("f.yaml", text, config.Options{Strict: true})
	require.ErrorContains(t, err, "f.yaml:2: router_settings.routing_strategy: ")
}
