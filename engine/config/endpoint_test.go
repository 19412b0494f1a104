package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// shown is an endpoint with where its key comes from in place of the key.
type shown struct {
	Provider, API, BaseURL, Model, APIVersion, Key string
	Bearer, NoStreamUsage                          bool
}

func shownOf(ep config.Endpoint) shown {
	return shown{ep.Provider, ep.API, ep.BaseURL, ep.Model, ep.APIVersion, ep.Credential.Source(), ep.Bearer, ep.NoStreamUsage}
}

var keysSet = map[string]string{
	"OPENAI_API_KEY": "sk-1", "AZURE_API_KEY": "sk-2", "ANTHROPIC_API_KEY": "sk-3", "GROQ_API_KEY": "sk-4", "MISTRAL_API_KEY": "sk-5",
	"COHERE_API_KEY": "sk-6", "GEMINI_API_KEY": "sk-7", "EAST": "sk-8", "BASE": "https://from-the-environment.example/v1", "TRUE": "true",
}

func TestEndpointsOfTheOwnFormat(t *testing.T) {
	for _, tt := range []struct {
		deployment string
		want       shown
	}{
		{`provider: openai, model: gpt-4o, endpoint: {}`, shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Model: "gpt-4o", Key: "os.environ/OPENAI_API_KEY"}},
		{`provider: OpenAI, endpoint: {url: "https://eu.api.openai.com/v1/"}`, shown{Provider: "openai", API: "openai", BaseURL: "https://eu.api.openai.com/v1", Key: "os.environ/OPENAI_API_KEY"}},
		{`provider: openai, endpoint: {url: "https://API.openai.com/v1"}`, shown{Provider: "openai", API: "openai", BaseURL: "https://API.openai.com/v1", Key: "os.environ/OPENAI_API_KEY"}},
		{`provider: openai, endpoint: {url: "https://api.openai.com.evil.example/v1"}`, shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com.evil.example/v1"}},
		{`provider: openai, endpoint: {url: "https://evil-api.openai.com/v1"}`, shown{Provider: "openai", API: "openai", BaseURL: "https://evil-api.openai.com/v1"}},
		{`provider: openai, endpoint: {url: "https://gateway.example/v1"}`, shown{Provider: "openai", API: "openai", BaseURL: "https://gateway.example/v1"}},
		{`provider: openai, endpoint: {key: sk-literal, model: gpt-4.1}`, shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Model: "gpt-4.1", Key: "(hidden)"}},
		{`provider: openai, endpoint: {key: 12345678}`, shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Key: "(hidden)"}},
		{`provider: openai, endpoint: {key_file: keys/main}`, shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Key: "file keys/main"}},
		{`provider: openai, endpoint: {url: os.environ/BASE, key: os.environ/TRUE}`, shown{Provider: "openai", API: "openai", BaseURL: "https://from-the-environment.example/v1", Key: "os.environ/TRUE"}},
		{`model: azure/gpt-4o, endpoint: {url: "https://e.openai.azure.com"}`, shown{Provider: "azure", API: "azure", BaseURL: "https://e.openai.azure.com", Model: "gpt-4o", Key: "os.environ/AZURE_API_KEY"}},
		{`provider: azure, model: azure/gpt-4o, endpoint: {url: "https://e.openai.azure.com", api_version: 2024-10-21x, key: os.environ/EAST, bearer: true}`, shown{Provider: "azure", API: "azure", BaseURL: "https://e.openai.azure.com", Model: "gpt-4o", APIVersion: "2024-10-21x", Key: "os.environ/EAST", Bearer: true}},
		{`provider: azure, model: org/gpt-4o, endpoint: {url: "https://e.openai.azure.com"}`, shown{Provider: "azure", API: "azure", BaseURL: "https://e.openai.azure.com", Model: "org/gpt-4o", Key: "os.environ/AZURE_API_KEY"}},
		{`model: anthropic/claude-sonnet-4-5, endpoint: {}`, shown{Provider: "anthropic", API: "anthropic", BaseURL: "https://api.anthropic.com", Model: "claude-sonnet-4-5", Key: "os.environ/ANTHROPIC_API_KEY"}},
		{`model: groq/openai/gpt-oss-120b, endpoint: {}`, shown{Provider: "groq", API: "openai", BaseURL: "https://api.groq.com/openai/v1", Model: "openai/gpt-oss-120b", Key: "os.environ/GROQ_API_KEY"}},
		{`provider: mistral, endpoint: {}`, shown{Provider: "mistral", API: "openai", BaseURL: "https://api.mistral.ai/v1", Key: "os.environ/MISTRAL_API_KEY", NoStreamUsage: true}},
		{`provider: mistral, endpoint: {no_stream_usage: false}`, shown{Provider: "mistral", API: "openai", BaseURL: "https://api.mistral.ai/v1", Key: "os.environ/MISTRAL_API_KEY"}},
		{`provider: cohere_chat, endpoint: {}`, shown{Provider: "cohere", API: "openai", BaseURL: "https://api.cohere.ai/compatibility/v1", Key: "os.environ/COHERE_API_KEY", NoStreamUsage: true}},
		{`provider: gemini, endpoint: {}`, shown{Provider: "gemini", API: "openai", BaseURL: "https://generativelanguage.googleapis.com/v1beta/openai", Key: "os.environ/GEMINI_API_KEY"}},
		{`provider: bedrock, endpoint: {api: openai, url: "http://bedrock.internal:8080/v1"}`, shown{Provider: "bedrock", API: "openai", BaseURL: "http://bedrock.internal:8080/v1"}},
		{`model: meta-llama/llama-3, endpoint: {api: openai, url: "http://127.0.0.1:8000/v1"}`, shown{API: "openai", BaseURL: "http://127.0.0.1:8000/v1", Model: "meta-llama/llama-3"}},
		{`provider: anthropic, endpoint: {api: openai, url: "https://api.anthropic.com/v1"}`, shown{Provider: "anthropic", API: "openai", BaseURL: "https://api.anthropic.com/v1", Key: "os.environ/ANTHROPIC_API_KEY"}},
	} {
		t.Run(tt.deployment, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte("deployments: [{id: a, group: g, "+tt.deployment+"}]"), environ(keysSet))
			require.NoError(t, err)
			require.Empty(t, f.Warnings)
			require.Equal(t, tt.want, shownOf(f.Endpoints["a"]))
		})
	}
}

// What LiteLLM's documentation writes, and what becomes of it.
func TestEndpointsOfALiteLLMFile(t *testing.T) {
	azure := shown{Provider: "azure", API: "azure", BaseURL: "https://e.openai.azure.com", Model: "gpt-4o", APIVersion: "2025-02-01-preview", Key: "os.environ/EAST"}
	with := func(change func(*shown)) shown { s := azure; change(&s); return s }
	for _, tt := range []struct {
		params, note string // a note instead of an endpoint
		want         shown
	}{
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com/", api_key: os.environ/EAST`, want: azure},
		{params: `model: azure/gpt-4o, base_url: "https://e.openai.azure.com", api_key: os.environ/EAST, api_version: v1`, want: with(func(s *shown) { s.APIVersion = "" })},
		{params: `model: azure/o_series/gpt-4o, api_base: "https://e.openai.azure.com/openai/v1/", api_key: os.environ/EAST`, want: azure},
		{params: `model: gpt-4o, custom_llm_provider: azure, api_base: "https://e.openai.azure.com", api_key: os.environ/EAST`, want: azure},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com", api_key: os.environ/EAST, api_version: "2024-10-21"`, want: with(func(s *shown) { s.APIVersion = "2024-10-21" })},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com"`, want: with(func(s *shown) { s.Key = "os.environ/AZURE_API_KEY" })},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com", azure_ad_token: os.environ/EAST`, want: with(func(s *shown) { s.Bearer = true })},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com", api_key: literal-key`, want: with(func(s *shown) { s.Key = "(hidden)" })},
		{params: `model: azure/gpt-4o, api_base: "https://apim.example/llm", api_key: os.environ/EAST`, want: with(func(s *shown) { s.BaseURL = "https://apim.example/llm" })},
		{params: `model: azure/gpt-4o, api_base: "https://apim.example/openai-gw/openai", api_key: os.environ/EAST`, want: with(func(s *shown) { s.BaseURL = "https://apim.example/openai-gw" })},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com/openai/deployments/gpt-4o", api_key: os.environ/EAST`, want: azure},
		{params: `model: groq/llama, api_base: "https://api.groq.com/openai/v1/chat/completions"`, want: shown{Provider: "groq", API: "openai", BaseURL: "https://api.groq.com/openai/v1", Model: "llama", Key: "os.environ/GROQ_API_KEY"}},
		{params: `model: openai/gpt-4o`, want: shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Model: "gpt-4o", Key: "os.environ/OPENAI_API_KEY"}},
		{params: `model: gpt-4o`, want: shown{Provider: "openai", API: "openai", BaseURL: "https://api.openai.com/v1", Model: "gpt-4o", Key: "os.environ/OPENAI_API_KEY"}},
		{params: `model: "openai/meta/llama", api_base: "http://127.0.0.1:8000/v1"`, want: shown{API: "openai", BaseURL: "http://127.0.0.1:8000/v1", Model: "meta/llama"}},
		{params: `model: hosted_vllm/llama, api_base: "http://127.0.0.1:8000/v1/", api_key: literal-key`, want: shown{API: "openai", BaseURL: "http://127.0.0.1:8000/v1", Model: "llama", Key: "(hidden)"}},
		{params: `model: openai/llama, api_base: "https://api.groq.com/openai/v1"`, want: shown{Provider: "groq", API: "openai", BaseURL: "https://api.groq.com/openai/v1", Model: "llama"}},
		{params: `model: meta/llama, api_base: "https://api.groq.com/openai/v1"`, want: shown{Provider: "groq", API: "openai", BaseURL: "https://api.groq.com/openai/v1", Model: "meta/llama", Key: "os.environ/GROQ_API_KEY"}},
		{params: `model: groq/llama, api_key: ""`, want: shown{Provider: "groq", API: "openai", BaseURL: "https://api.groq.com/openai/v1", Model: "llama", Key: "os.environ/GROQ_API_KEY"}},
		{params: `model: mistral/mistral-large-latest`, want: shown{Provider: "mistral", API: "openai", BaseURL: "https://api.mistral.ai/v1", Model: "mistral-large-latest", Key: "os.environ/MISTRAL_API_KEY", NoStreamUsage: true}},
		{params: `model: deepseek/deepseek-chat, api_key: os.environ/EAST`, want: shown{API: "openai", BaseURL: "https://api.deepseek.com/v1", Model: "deepseek-chat", Key: "os.environ/EAST"}},
		{params: `model: anthropic/claude-sonnet-4-5`, want: shown{Provider: "anthropic", API: "anthropic", BaseURL: "https://api.anthropic.com", Model: "claude-sonnet-4-5", Key: "os.environ/ANTHROPIC_API_KEY"}},
		{params: `model: claude-sonnet-4-5, api_base: "https://proxy.example/v1/messages"`, want: shown{API: "anthropic", BaseURL: "https://proxy.example/v1", Model: "claude-sonnet-4-5"}},
		{params: `model: bedrock/anthropic.claude-3`, note: `the API by which LiteLLM calls "bedrock" is not supported`},
		{params: `model: vertex_ai/gemini-2.5-pro`, note: `calls "vertex_ai" is not supported`},
		{params: `model: gemini/gemini-2.5-pro`, want: shown{Provider: "gemini", API: "openai", BaseURL: "https://generativelanguage.googleapis.com/v1beta/openai", Model: "gemini-2.5-pro", Key: "os.environ/GEMINI_API_KEY"}},
		{params: `model: ollama/llama3, api_base: "http://127.0.0.1:11434"`, want: shown{API: "openai", BaseURL: "http://127.0.0.1:11434/v1", Model: "llama3"}},
		{params: `model: ollama_chat/llama3`, want: shown{API: "openai", BaseURL: "http://localhost:11434/v1", Model: "llama3"}},
		{params: `model: perplexity/sonar, api_key: k`, want: shown{API: "openai", BaseURL: "https://api.perplexity.ai", Model: "sonar", Key: "(hidden)"}},
		{params: `model: bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0`, note: `calls "bedrock" is not supported`},
		{params: `model: azure_ai/command-r, api_base: "https://x.example"`, note: `calls "azure_ai" is not supported`},
		{params: `model: azure/claude-sonnet-4-5, api_base: "https://x.example"`, note: `calls "azure" is not supported`},
		{params: `model: anything`, note: "who provides the model is not known: it names no provider in front of it"},
		{params: `model: gpt-oss-120b`, note: "who provides the model is not known"},
		{params: `model: azure/gpt-4o`, note: "there is no api_base, and azure has none of its own"},
		{params: `model: azure/gpt-4o, api_base: os.environ/ABSENT`, note: "the environment variable ABSENT with its api_base is not set"},
		{params: `model: azure/gpt-4o, api_base: "e.openai.azure.com"`, note: "the api_base is no http or https address with a host"},
		{params: `model: azure/gpt-4o, api_base: "https://user:pass@e.openai.azure.com"`, note: "the api_base holds a user or a password"},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com?api-version=1"`, note: "the api_base has a query or a fragment"},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com", azure_ad_token: oidc/google/x`, note: "its token is fetched by OIDC"},
		{params: `model: azure/gpt-4o, api_base: "https://e.openai.azure.com", tenant_id: a, client_id: b, client_secret: cccccc`, note: "its token is fetched from Entra ID"},
		{params: `model: openai/gpt-4o, litellm_credential_name: x`, note: "its key is one of credential_list, which is not read"},
		{params: `model: openai/`, note: "the model has no name that can be sent"},
		{params: `model: openai/*`, note: "the model is a pattern, and the group's name is none"},
	} {
		t.Run(tt.params, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {"+tt.params+"}, model_info: {id: a}}]\nrouter_settings: {routing_strategy: usage-based-routing-v2}"), environ(keysSet))
			require.NoError(t, err)
			if tt.note != "" {
				require.Contains(t, messages(f.Notes), "f.yaml:1: 1 deployment has no endpoint: ")
				require.Contains(t, messages(f.Notes), tt.note)
				require.Nil(t, f.Endpoints)
				return
			}
			require.Empty(t, f.Notes)
			require.Empty(t, f.Warnings)
			require.Equal(t, tt.want, shownOf(f.Endpoints["a"]))
		})
	}
}

// Where the file is silent, LiteLLM's own variables say where a provider is.
func TestAddressFromTheEnvironment(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
model_list:
  - {model_name: g, litellm_params: {model: openai/gpt-4o}, model_info: {id: a}}
  - {model_name: g, litellm_params: {model: azure/gpt-4o}, model_info: {id: b}}
`), environ(map[string]string{
		"OPENAI_API_BASE": "https://gateway.example/v1", "OPENAI_API_KEY": "sk-1",
		"AZURE_API_BASE": "https://b.openai.azure.com", "AZURE_API_KEY": "sk-2", "AZURE_API_VERSION": "2024-10-21",
	}))
	require.NoError(t, err)
	require.Empty(t, f.Notes)
	require.Equal(t, shown{API: "openai", BaseURL: "https://gateway.example/v1", Model: "gpt-4o", Key: "os.environ/OPENAI_API_KEY"}, shownOf(f.Endpoints["a"]))
	require.Equal(t, shown{Provider: "azure", API: "azure", BaseURL: "https://b.openai.azure.com", Model: "gpt-4o", APIVersion: "2024-10-21", Key: "os.environ/AZURE_API_KEY"}, shownOf(f.Endpoints["b"]))
	require.Equal(t, "os.environ/OPENAI_API_BASE", f.Mask("https://gateway.example/v1"))
}

// Keys that are not there yet, and groups that cannot be called, are reported: in
// our own format as warnings, in a LiteLLM file as notes.
func TestWhatEndpointsLack(t *testing.T) {
	f := mustParse(t, `
deployments:
  - {id: a, group: g, provider: openai, endpoint: {}}
  - {id: b, group: g, provider: openai, endpoint: {key: os.environ/OPENAI_API_KEY}}
  - {id: c, group: g, provider: openai}
  - {id: d, group: h, provider: openai, endpoint: {key: os.environ/OTHER}}
  - {id: e, group: i}
`)
	require.Equal(t, "f.yaml: group \"g\" has endpoints for 2 of its 3 deployments: it can be asked for decisions, and is not proxied unless all have one\n"+
		"f.yaml:3: the environment variable OPENAI_API_KEY, which is the key of 2 endpoints, is not set or empty: calls fail until it is\n"+
		"f.yaml:6: the environment variable OTHER, which is the key of an endpoint, is not set or empty: calls fail until it is\n", messages(f.Warnings))
	require.Empty(t, f.Notes)
	require.Len(t, f.Endpoints, 3)

	f = mustParse(t, `
model_list:
  - {model_name: g, litellm_params: {model: openai/gpt-4o}, model_info: {id: a}}
  - {model_name: g, litellm_params: {model: bedrock/x}, model_info: {id: b}}
  - {model_name: h, litellm_params: {model: bedrock/y}, model_info: {id: c}}
router_settings: {routing_strategy: usage-based-routing-v2}
`)
	require.Empty(t, f.Warnings)
	require.Equal(t, "f.yaml: group \"g\" has endpoints for 1 of its 2 deployments: it can be asked for decisions, and is not proxied unless all have one\n"+
		"f.yaml:3: the environment variable OPENAI_API_KEY, which is the key of an endpoint, is not set or empty: calls fail until it is\n"+
		"f.yaml:4: 2 deployments have no endpoint: the API by which LiteLLM calls \"bedrock\" is not supported\n", messages(f.Notes))
}

func TestNotesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("model_list:\n")
	for i := range 300 {
		b.WriteString("- {model_name: g, litellm_params: {model: openai/gpt-4o, api_key: os.environ/K" + strings.Repeat("x", i+1) + "}, model_info: {id: " + strings.Repeat("i", i+1) + "}}\n")
	}
	f := mustParse(t, b.String())
	require.Len(t, f.Notes, config.MaxFindings+1)
	require.Contains(t, messages(f.Notes), "f.yaml: and 200 more notes")
}

func credentialOf(t *testing.T, endpoint, file string) config.Credential {
	t.Helper()
	f, err := config.Parse(file, []byte("deployments: [{id: a, group: g, provider: openai, endpoint: {url: 'http://x', "+endpoint+"}}]"), environ(nil))
	require.NoError(t, err)
	return f.Endpoints["a"].Credential
}

func TestCredential(t *testing.T) {
	none := credentialOf(t, "api: openai", "f.yaml")
	require.True(t, none.IsZero())
	text, err := none.Get(nil)
	require.NoError(t, err)
	require.Empty(t, text)
	require.Empty(t, none.String())

	literal := credentialOf(t, "key: sk-planted", "f.yaml")
	require.False(t, literal.IsZero())
	text, err = literal.Get(nil)
	require.NoError(t, err)
	require.Equal(t, "sk-planted", text)

	t.Setenv("PLIMSOLL_TEST_KEY", "sk-of-the-process")
	variable := credentialOf(t, "key: os.environ/PLIMSOLL_TEST_KEY", "f.yaml")
	text, err = variable.Get(nil)
	require.NoError(t, err)
	require.Equal(t, "sk-of-the-process", text)
	_, err = variable.Get(environ(nil).LookupEnv)
	require.EqualError(t, err, "the environment variable PLIMSOLL_TEST_KEY is unset or empty")

	// A file is read each time, seen from the configuration's directory.
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	file := credentialOf(t, "key_file: key", filepath.Join(dir, "f.yaml"))
	require.Equal(t, "file "+key, file.Source())
	_, err = file.Get(nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	for content, want := range map[string]string{
		" sk-a\n":                  "sk-a",
		"sk-b":                     "sk-b",
		"\n":                       "is empty",
		strings.Repeat("x", 1<<17): "has more than 65536 bytes; a key has less",
	} {
		require.NoError(t, os.WriteFile(key, []byte(content), 0o600))
		text, err := file.Get(nil)
		if err != nil {
			require.ErrorContains(t, err, want)
			continue
		}
		require.Equal(t, want, text)
	}
}

// The formats and tools that programs print with, and a struct of another package
// whose field is not exported.
func TestCredentialIsNotShown(t *testing.T) {
	c := credentialOf(t, "key: sk-planted", "f.yaml")
	type outer struct{ hidden config.Credential }
	for _, text := range printed(c) {
		require.NotContains(t, text, "planted")
	}
	for _, text := range printed(outer{c}) {
		require.NotContains(t, text, "planted")
	}
	require.Contains(t, printed(c), "(hidden)")
	data, err := json.Marshal(map[string]any{"a": c, "b": config.Endpoint{Credential: c}})
	require.NoError(t, err)
	require.Contains(t, string(data), `"a":"(hidden)"`)
	require.Contains(t, string(data), `"Credential":"(hidden)"`)
}
