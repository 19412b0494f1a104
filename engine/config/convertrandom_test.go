package config_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// keyed is a key of a file and what may stand there.
type keyed struct {
	key    string
	values []string
}

var (
	randomParams = []keyed{
		{"model", []string{
			"openai/gpt-4o", "azure/gpt-4o-east", "gpt-5-mini", "anthropic/claude-sonnet-4-5", "bedrock/anthropic.claude-3:0", "os.environ/MODEL", "ollama_chat/llama3", "mistral/x",
			"groq/llama", "vertex_ai/gemini-2.5", "'openai/*'", "azure/o_series/o3", "cohere/command", "deepseek/r1", "custom/thing", "openai/azure/x", "'gpt: 4'", "huggingface/a/b",
		}},
		{"custom_llm_provider", []string{"openai", "azure", "hosted_vllm", "anthropic"}},
		{"api_base", []string{
			"https://e.openai.azure.com", "https://e.openai.azure.com/openai/deployments/x", "os.environ/BASE", "http://localhost:8000/v1", "http://h/chat/completions", "https://api.anthropic.com/v1/messages",
			"https://api.groq.com/openai/v1/", "nonsense", "http://[::1]:80/%20/a",
		}},
		{"base_url", []string{"https://api.openai.com/v1", "os.environ/BASE"}},
		{"api_key", []string{"sk-0123456789", "os.environ/KEY", "''", "none", "12345678"}},
		{"api_version", []string{"'2024-10-21'", "v1", "os.environ/VERSION"}},
		{"azure_ad_token", []string{"tok-12345678", "os.environ/KEY", "oidc/x"}},
		{"rpm", []string{"0", "10", "1e3", "'60'", "os.environ/LIMIT", "-1", "null", "2.5", "5000000000000"}},
		{"tpm", []string{"0", "1000", "100_000", "os.environ/LIMIT"}},
		{"itpm", []string{"5"}},
		{"max_parallel_requests", []string{"3", "0", "os.environ/LIMIT"}},
		{"order", []string{"1", "2", "0"}},
		{"weight", []string{"0", "1", "2.5", "1e-05"}},
		{"tags", []string{"[a, b]", "['${A}']", "[]"}},
		{"timeout", []string{"5", "0.25", "'7'", "os.environ/LIMIT"}},
		{"stream_timeout", []string{"3"}},
		{"temperature", []string{"0.2", "1e-07", "os.environ/FLAG", "null", "1"}},
		{"max_tokens", []string{"100", "'200'", "os.environ/LIMIT"}},
		{"max_completion_tokens", []string{"300"}},
		{"stop", []string{"[a, '${b}', \"c\\nd\"]", "'yes'"}},
		{"response_format", []string{"{type: json_object, x: [1, {y: null}], z: 1.5e-9}"}},
		{"extra_body", []string{"{a: true, b: {secret_token: abcdefgh}, c: os.environ/KEY, d: '$${x}', e: 2024-01-01, model: no}"}},
		{"extra_headers", []string{"{X-A: some-secret, Authorization: no, Anthropic-Beta: b, X-E: os.environ/KEY, X-N: 5}"}},
		{"organization", []string{"org-1", "os.environ/ORG", "[o1, o2]"}},
		{"num_retries", []string{"2"}},
		{"cooldown_time", []string{"7"}},
	}
	randomInfo = []keyed{
		{"id", []string{"7", "a:b", "'yes'", "'x y'", "os.environ/ORG"}},
		{"rpm", []string{"9"}},
		{"base_model", []string{"azure/gpt-4o", "o3", "os.environ/MODEL"}},
		{"mode", []string{"embedding", "chat", "os.environ/ORG"}},
		{"max_input_tokens", []string{"128000", "'5000'", "os.environ/LIMIT"}},
		{"blocked", []string{"true", "false", "os.environ/FLAG"}},
		{"plimsoll_pool", []string{"p", "'q: r'"}},
	}
	randomRouter = []keyed{
		{"routing_strategy", []string{"usage-based-routing-v2", "simple-shuffle", "least-busy"}},
		{"model_group_alias", []string{"{one: g0, two: {model: g1, hidden: true}, dead: none}", "{'x: y': g0, 'on': {model: os.environ/GROUP}}"}},
		{"default_max_parallel_requests", []string{"5"}},
		{"timeout", []string{"20"}},
		{"stream_timeout", []string{"9"}},
		{"num_retries", []string{"1", "0"}},
		{"allowed_fails", []string{"0", "3"}},
		{"cooldown_time", []string{"1", "45.5"}},
		{"fallbacks", []string{"[{g0: [g1]}]", "[{'*': [g0]}]"}},
		{"context_window_fallbacks", []string{"[{g1: [g0]}]"}},
		{"enable_tag_filtering", []string{"true"}},
		{"default_litellm_params", []string{"{temperature: 1, max_tokens: 50, extra_headers: {X-D: default-secret}}"}},
		{"routing_strategy_args", []string{"{ttl: 90}"}},
		{"redis_url", []string{"redis://u:p%40ss-word@h:1/2", "os.environ/URL"}},
		{"redis_host", []string{"h", "os.environ/HOST", "'::1'"}},
		{"redis_port", []string{"6380", "os.environ/PORT"}},
		{"redis_password", []string{"pass-word", "os.environ/KEY"}},
		{"redis_username", []string{"u/x"}},
		{"redis_db", []string{"3"}},
		{"redis_ssl", []string{"true"}},
		{"cache_kwargs", []string{"{namespace: ns}"}},
	}
)

// mapping writes some of the keys.
func mapping(r *rand.Rand, keys []keyed, chance float64, must string) string {
	var parts []string
	for _, k := range keys {
		if k.key == must || r.Float64() < chance {
			parts = append(parts, fmt.Sprintf("%q: %s", k.key, k.values[r.IntN(len(k.values))]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// Whatever LiteLLM's settings are together, a file that can be read can be converted:
// Convert compares the result with the file.
func TestConvertRandomFiles(t *testing.T) {
	vars := map[string]string{
		"MODEL": "openai/gpt-4o", "BASE": "https://x.openai.azure.com/openai", "KEY": "k-of-the-environment", "VERSION": "2024-06-01", "LIMIT": "60", "FLAG": "true", "ORG": "org-of-env",
		"GROUP": "g0", "URL": "redis://:pw-of-env@h:5", "HOST": "host-of-env", "PORT": "7000", "OPENAI_BASE_URL": "https://gateway.example/v1",
	}
	converted := 0
	for seed := range uint64(700) {
		r := rand.New(rand.NewPCG(seed, 1))
		var text strings.Builder
		text.WriteString("model_list:\n")
		for i := range 1 + r.IntN(4) {
			fmt.Fprintf(&text, "- {model_name: g%d, litellm_params: %s, model_info: %s}\n", i%2, mapping(r, randomParams, 0.15, "model"), mapping(r, randomInfo, 0.15, ""))
		}
		fmt.Fprintf(&text, "router_settings: %s\n", mapping(r, randomRouter, 0.25, ""))
		if r.IntN(4) == 0 {
			text.WriteString("environment_variables: {KEY: k-of-the-file, LIMIT: '30', HOST: h2}\n")
		}
		o := environ(nil)
		if r.IntN(3) > 0 {
			o = environ(vars)
		}
		if r.IntN(3) == 0 {
			o.Profiles = config.ProfilesAuto
		}
		if _, err := config.Parse("f.yaml", []byte(text.String()), o); err != nil {
			continue
		}
		got, err := config.ConvertText("f.yaml", []byte(text.String()), o)
		require.NoError(t, err, "seed %d\n%s", seed, text.String())
		converted++
		for _, secret := range []string{"sk-01234", "tok-1234", "pass-word", "k-of-the", "some-secret", "abcdefgh", "default-secret", "pw-of-env", "host-of-env", "ss-word"} {
			require.NotContains(t, string(got.Text), secret, "seed %d\n%s", seed, text.String())
		}
	}
	require.Greater(t, converted, 200)
	t.Logf("%d converted", converted)
}
