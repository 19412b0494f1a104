package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// liteLLMFiles are the LiteLLM files of this repository: of testdata, of the command's
// and of docs/LITELLM.md.
func liteLLMFiles(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"testdata/*.yaml", "../../cmd/plimsoll/internal/cli/testdata/*.yaml", "../../cmd/plimsoll/internal/cli/testdata/litellm/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			if strings.Contains(string(text), "model_list") {
				out[path] = string(text)
			}
		}
	}
	text, err := os.ReadFile("../../docs/LITELLM.md")
	require.NoError(t, err)
	for i, m := range regexp.MustCompile("(?s)```yaml\n(model_list.*?)```").FindAllStringSubmatch(string(text), -1) {
		out["LITELLM.md "+strconv.Itoa(i)] = m[1]
	}
	maps.Copy(out, convertible)
	return out
}

// convertible are LiteLLM files with what the others lack.
var convertible = map[string]string{
	"addresses": `
model_list:
  - {model_name: a, litellm_params: {model: azure/east/x, api_base: os.environ/AZURE_BASE, api_key: os.environ/KEY, rpm: os.environ/LIMIT}}
  - {model_name: a, litellm_params: {model: azure/west, api_base: "https://w.openai.azure.com/openai/v1/", azure_ad_token: tok-0000001, api_version: v1}}
  - {model_name: b, litellm_params: {model: ollama/llama3, api_base: os.environ/OLLAMA}}
  - {model_name: b, litellm_params: {model: openai/qwen, api_base: "http://10.0.0.1:8000/v1/chat/completions", api_key: none}}
  - {model_name: c, litellm_params: {model: mistral/large, stream_timeout: 7}}
  - {model_name: c, litellm_params: {model: deepseek/chat}, model_info: {base_model: azure/gpt-4o, max_input_tokens: 64000, mode: chat}}
  - {model_name: d, litellm_params: {model: bedrock/anthropic.claude-3:0, aws_secret_access_key: aws-000001}}
  - {model_name: "yes", litellm_params: {model: claude-3, order: 2, tags: ["1", 'a: b', '${X}']}, model_info: {id: 1:30}}
router_settings: {routing_strategy: usage-based-routing-v2, timeout: 30, redis_host: os.environ/HOST, redis_port: "6380", redis_db: 3, redis_password: p/w:d@0, redis_username: u}
`,
	"parameters": `
model_list:
  - model_name: a
    litellm_params:
      model: openai/o3
      max_tokens: 1e3
      temperature: 1e-05
      stop: ["${X}", "a\nb", 'yes']
      seed: 7
      response_format: {type: json_object}
      thinking: {type: enabled, budget_tokens: 1024}
      extra_body: {metadata: {api_key: sk-nested-001, list: [{token: tok-nested-01}]}, flag: os.environ/FLAG}
      extra_headers: {X-Tenant: tenant-00001, Anthropic-Beta: tools-1, X-Env: os.environ/KEY}
      organization: [org-1, org-2]
    model_info: {plimsoll_pool: "p q"}
  - {model_name: w, litellm_params: {model: openai/*, weight: 2}}
  - {model_name: "*", litellm_params: {model: "*"}}
environment_variables: {KEY: sk-of-the-file, OPENAI_API_KEY: sk-of-openai-1}
router_settings:
  default_litellm_params: {user: someone, top_p: 0.5}
  model_group_alias: {x: a, "y:": {model: a, hidden: true}, dead: nowhere}
  routing_strategy_args: {ttl: 120}
  redis_url: redis://:secret-pass@h:1/2
`,
	"cluster": `
model_list: [{model_name: a, litellm_params: {model: gpt-4o, rpm: 0, tpm: 12.5, max_parallel_requests: 3}, model_info: {blocked: true}}]
router_settings: {redis_startup_nodes: [{host: h1, port: 1}, {host: h2, port: 2}], redis_password: clus-000001, cache_kwargs: {namespace: n}, num_retries: 2}
`,
	"sentinels": `
model_list: [{model_name: a, litellm_params: {model: gpt-4o}}]
litellm_settings: {cache: true, cache_params: {type: redis, service_name: mymaster, sentinel_nodes: [[h, 26379]], sentinel_password: os.environ/KEY}}
`,
	"cache from the environment": "model_list: [{model_name: a, litellm_params: {model: os.environ/MODEL}}]\nlitellm_settings: {cache: true}\n",
}

// secretTexts are planted in the files above.
var secretTexts = []string{"sk-0000", "sk-planted", "tok-0000001", "p/w:d@0", "aws-000001", "sk-nested", "tok-nested", "tenant-00001", "sk-of", "secret-pass", "clus-000001", "v-of-"}

// Convert compares what it wrote with what it read, so what is left to show is that it
// does so for every file, with and without the variables, and keeps secrets out.
func TestConvertEveryFile(t *testing.T) {
	full := map[string]string{
		"KEY": "v-of-key-001", "LIMIT": "12", "AZURE_BASE": "https://v-of-azure.example/openai", "OLLAMA": "http://v-of-ollama:11434", "HOST": "v-of-host", "MODEL": "openai/v-of-model",
		"FLAG": "true", "PLIMSOLL_TEST_GROUP": "v-of-group", "REDIS_HOST": "v-of-redis", "PLIMSOLL_TEST_HOST": "v-of-host2", "PLIMSOLL_TEST_PW": "v-of-password",
		"PLIMSOLL_TEST_KEY": "v-of-key-002", "OPENAI_API_KEY": "v-of-openai-key", "UNSET_LIMIT": "5", "AZURE_API_VERSION": "2024-v-of-version", "OPENAI_BASE_URL": "https://v-of-openai.example/v1",
	}
	converted := map[string]bool{}
	for name, text := range liteLLMFiles(t) {
		for _, vars := range []map[string]string{nil, full} {
			for _, profiles := range []config.Profiles{config.ProfilesUnset, config.ProfilesAuto} {
				o := environ(vars)
				o.Profiles = profiles
				path := filepath.Join(t.TempDir(), "f.yaml")
				require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "include:", "unused:")), 0o600))
				if _, err := config.Load(path, o); err != nil {
					continue
				}
				got, err := config.Convert(path, o)
				require.NoError(t, err, "%s\n%s", name, text)
				converted[name] = true
				for _, secret := range secretTexts {
					require.NotContains(t, string(got.Text), secret, name)
				}
				_, err = config.Parse("f.yaml", got.Text, environ(vars))
				if len(got.Variables) == 0 {
					require.NoError(t, err, name)
				}
			}
		}
	}
	require.Greater(t, len(converted), 15)
}

func TestConvertSaysWhereValuesComeFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`model_list:
  - model_name: chat
    rpm: 600
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-0123456789
      tpm: os.environ/LIMIT
      temperature: 0.2
router_settings:
  fallbacks: [{chat: [other]}]
  model_group_alias: {best: {model: chat, hidden: true}}
`), 0o600))
	got, err := config.Convert(path, environ(map[string]string{"LIMIT": "5000"}))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(got.Text), path, "f.yaml")
	for _, line := range []string{
		"group: chat # f.yaml:2\n", "rpm: 600 # f.yaml:3\n", "model: openai/gpt-4o # f.yaml:5\n", "key: \"${PLIMSOLL_OPENAI_KEY}\" # f.yaml:6\n",
		"tpm: \"${LIMIT}\" # f.yaml:7\n", "temperature: 0.2 # f.yaml:8\n", "best: {group: chat, hidden: true} # f.yaml:11\n",
		"#   f.yaml:10: the fallbacks of ",
	} {
		require.Contains(t, text, line)
	}
	require.Equal(t, []config.Variable{{Name: "PLIMSOLL_OPENAI_KEY", From: path + ":6 api_key"}}, got.Variables)

	own := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(own, got.Text, 0o600))
	_, err = config.Convert(own, environ(map[string]string{"LIMIT": "5000"}))
	require.ErrorIs(t, err, config.ErrOwnFormat)
	_, err = config.Convert(filepath.Join(t.TempDir(), "missing.yaml"), config.Options{})
	require.ErrorContains(t, err, "missing.yaml")
}

// A converted file asks callers for no key, which its first lines say.
func TestConvertSaysThatTheMasterKeyIsGone(t *testing.T) {
	for _, key := range []string{"sk-planted", "os.environ/MASTER", "os.environ/SET"} {
		path := filepath.Join(t.TempDir(), "f.yaml")
		require.NoError(t, os.WriteFile(path, []byte("model_list: [{model_name: a, litellm_params: {model: openai/a}, model_info: {id: a}}]\ngeneral_settings:\n  master_key: "+key+"\n"), 0o600))
		got, err := config.Convert(path, environ(map[string]string{"SET": "sk-planted"}))
		require.NoError(t, err)
		require.Contains(t, string(got.Text), "f.yaml:3) is not in it")
		require.NotContains(t, string(got.Text), "planted")
	}
}

// A new field needs a decision how [config.Convert] writes it and how it is compared.
func TestConvertKnowsEveryField(t *testing.T) {
	for _, tt := range []struct {
		of    any
		known string
	}{
		{config.File{}, "Format Engine Store Endpoints Counting Identities Hidden Modes Sync Routing Warnings Notes Undone Included MasterKey"},
		{config.Endpoint{}, "Provider API BaseURL Model APIVersion Credential Bearer NoStreamUsage Defaults Headers PassHeaders Objects Timeouts MaxInputTokens BaseModel"},
		{config.Timeouts{}, "Connect FirstByte StreamFirstByte Idle"},
		{config.Store{}, "URL Missing Namespace KeyFormat Mode Nodes Outage Buckets TTL Interval Timeout"},
		{engine.Deployment{}, "ID Group Model Limits Margin DefaultMaxOutput Profile Weight Disabled Order Tags Failures Cooldown"},
		{engine.Limits{}, "RPM TPM InputTPM OutputTPM RPH TPH RPD TPD MaxInFlight"},
	} {
		var fields []string
		of := reflect.TypeOf(tt.of)
		for f := range of.Fields() {
			if f.IsExported() {
				fields = append(fields, f.Name)
			}
		}
		require.ElementsMatch(t, strings.Fields(tt.known), fields, "%v: have convert*.go write what is new, then add it here", of)
	}
}
