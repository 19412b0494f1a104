package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What cannot be used is passed over with a warning, once, and never in silence.
func TestPassedOver(t *testing.T) {
	f := mustParse(t, `
model_list:
  - model_name: a
    litellm_params: {model: openai/x, api_key: k, timeout: 10m, stream_timeout: -1, cooldown_time: soon, extra_headers: "X: y", extra_body: "{}"}
    model_info: {id: a, max_input_tokens: 128k}
  - model_name: b
    litellm_params: {model: openai/x, api_key: k, timeout: 1_000, stream_timeout: "30", cooldown_time: 0, extra_body: {}}
    model_info: {id: b, max_input_tokens: 128_000.0}
router_settings: {timeout: true, cooldown_time: 1 minute}
litellm_settings: {request_timeout: [5]}
`)
	require.Equal(t, `f.yaml:4: model_list[0].litellm_params.cooldown_time: found the text "soon"; want a number of seconds, without a unit; it is passed over
f.yaml:4: model_list[0].litellm_params.timeout: found the text "10m"; want a number of seconds, without a unit; it is passed over
f.yaml:4: model_list[0].litellm_params.stream_timeout: found -1; want a number of seconds, without a unit; it is passed over
f.yaml:4: model_list[0].litellm_params.extra_body: is a text; want a mapping; it is passed over
f.yaml:4: model_list[0].litellm_params.extra_headers: is a text; want a mapping; it is passed over
f.yaml:5: model_list[0].model_info.max_input_tokens: found the text "128k"; want a whole number of tokens; it is passed over
f.yaml:9: router_settings.timeout: found the truth value true (quote it if it is a text); want a number of seconds, without a unit; it is passed over
f.yaml:9: router_settings.cooldown_time: found the text "1 minute"; want a number of seconds, without a unit; it is passed over
f.yaml:10: litellm_settings.request_timeout: found a list; want a number of seconds, without a unit; it is passed over
`, messages(f.Warnings))
	require.Equal(t, 1000*time.Second, f.Endpoints["b"].Timeouts.FirstByte)
	require.Equal(t, 30*time.Second, f.Endpoints["b"].Timeouts.StreamFirstByte)
	require.Equal(t, int64(128_000), f.Endpoints["b"].MaxInputTokens)
}

// An empty address is none, as in LiteLLM; an unknown provider is named.
func TestNoAddressAndNoProvider(t *testing.T) {
	f := mustParse(t, `
environment_variables: {EMPTY: ""}
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: k, api_base: ""}, model_info: {id: a}}
  - {model_name: b, litellm_params: {model: openai/x, api_key: k, api_base: "", base_url: "http://host/v1"}, model_info: {id: b}}
  - {model_name: c, litellm_params: {model: openai/x, api_key: k, api_base: os.environ/EMPTY}, model_info: {id: c}}
  - {model_name: d, litellm_params: {model: zhipu/x, api_key: k}, model_info: {id: d}}
  - {model_name: e, litellm_params: {model: auto_router/complexity_router}, model_info: {id: e}}
  - {model_name: f, litellm_params: {model: my-model}, model_info: {id: f}}
`)
	require.Equal(t, "https://api.openai.com/v1", f.Endpoints["a"].BaseURL)
	require.Equal(t, "http://host/v1", f.Endpoints["b"].BaseURL)
	require.Equal(t, "https://api.openai.com/v1", f.Endpoints["c"].BaseURL)
	require.Equal(t, `f.yaml:6: model_list[2].litellm_params.api_base: the environment variable EMPTY is empty: the provider's own address is used, as in LiteLLM
f.yaml:7: 1 deployment has no endpoint: who provides the model is not known: no provider is known by the name "zhipu"
f.yaml:8: 1 deployment has no endpoint: who provides the model is not known: auto_router chooses a model by the prompt, which is not done here
f.yaml:9: 1 deployment has no endpoint: who provides the model is not known: it names no provider in front of it
`, messages(f.Notes))
}
