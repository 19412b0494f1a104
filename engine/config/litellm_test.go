package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const v2 = "\nrouter_settings: {routing_strategy: usage-based-routing-v2}\n"

func TestLiteLLMFile(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
model_list:
  - model_name: gpt-4o
    rpm: 600
    litellm_params:
      model: azure/east
      api_key: os.environ/EAST_KEY
      rpm: 1
      tpm: 100000
      max_parallel_requests: 20
      tags: [eu]
      order: 1
      timeout: 30
    model_info: {id: 7, base_model: azure/gpt-4o, rpm: 2, tpm: 3}
  - model_name: gpt-4o
    litellm_params: {model: azure/west}
    model_info: {id: west, tpm: 50, order: 2, blocked: true}
  - model_name: gpt-4o
    litellm_params: {model: azure/last}
    model_info: {id: last}
  - model_name: other
    litellm_params: {model: openai/x}
    model_info:
router_settings:
  routing_strategy: usage-based-routing-v2
  routing_strategy_args: {ttl: 120}
  default_max_parallel_requests: 5
  model_group_alias: {gpt-4: gpt-4o, best: {model: gpt-4o, hidden: true}}
  redis_host: localhost
  redis_port: "6380"
  redis_password: os.environ/REDIS_PW
  num_retries: 3
general_settings: {master_key: sk-1234567}
`), environ(map[string]string{"EAST_KEY": "k-east", "REDIS_PW": "pw"}))
	require.NoError(t, err)
	require.Empty(t, messages(f.Warnings))
	require.Equal(t, config.FormatLiteLLM, f.Format)
	require.Equal(t, engine.Config{
		Strategy: engine.LowestTPM,
		Deployments: []engine.Deployment{
			{
				ID: "7", Group: "gpt-4o", Model: "azure/east", Limits: engine.Limits{RPM: 600, TPM: 100_000, MaxInFlight: 20},
				Order: 1, Tags: []string{"eu"},
			},
			{ID: "west", Group: "gpt-4o", Model: "azure/west", Limits: engine.Limits{TPM: 50}, Order: 2, Disabled: true},
			{ID: "last", Group: "gpt-4o", Model: "azure/last", Limits: engine.Limits{MaxInFlight: 5}, Order: 3},
			{
				ID:    "fcf57ea67da7332656991e9e87de0924169f1c8a915533b2876478ca83312e0c",
				Group: "other", Model: "openai/x", Limits: engine.Limits{MaxInFlight: 5},
			},
		},
		Aliases: map[string]string{"gpt-4": "gpt-4o", "best": "gpt-4o"},
	}, f.Engine)
	require.Equal(t, "valkey://:pw@localhost:6380", string(f.Store.URL))
	require.Equal(t, "valkey://localhost:6380", f.Store.String())
	require.Equal(t, 2*time.Minute, f.Store.TTL)
	_, err = engine.New(f.Engine)
	require.NoError(t, err)
}

// A generated id holds the values of environment variables: the variable's
// value goes into the hash, true as Python writes it, and None for an unset one.
func TestGeneratedIDsHoldVariables(t *testing.T) {
	id := func(params string, vars map[string]string) string {
		f, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {model: m, "+params+"}}]"+v2), environ(vars))
		require.NoError(t, err)
		return f.Engine.Deployments[0].ID
	}
	require.Equal(t, id("api_key: abc", nil), id("api_key: os.environ/K", map[string]string{"K": "abc"}))
	require.Equal(t, id("api_key: ''", nil), id("api_key: os.environ/K", map[string]string{"K": ""}))
	require.Equal(t, id("drop: yes", nil), id("drop: os.environ/K", map[string]string{"K": "TRUE"}))
	require.Equal(t, id("n: '5'", nil), id("n: os.environ/K", map[string]string{"K": "5"}))
	require.Equal(t, id("h: {a: abc}", nil), id("h: {a: os.environ/K}", map[string]string{"K": "abc"}))
	require.Equal(t, id("l: ['os.environ/K']", nil), id("l: [os.environ/K]", map[string]string{"K": "abc"}))
	require.Equal(t, id("api_key: null", nil), id("api_key: os.environ/K", nil))
}

func TestUnsetVariablesAreCounted(t *testing.T) {
	f, err := parse(`
model_list:
  - {model_name: g, litellm_params: {model: m, api_key: os.environ/A, extra: [{b: os.environ/B}]}}
  - {model_name: g, litellm_params: {model: m, api_key: os.environ/A, extra: [{b: os.environ/B}]}}
  - {model_name: h, litellm_params: {model: m, api_key: os.environ/A}, model_info: {id: x}}
` + v2)
	require.NoError(t, err)
	require.Contains(t, messages(f.Warnings), "set the environment variables that distinguish them")
	require.Contains(t, messages(f.Warnings), "f.yaml:3: the environment variable A is not set (used 2 times here)")
	require.Contains(t, messages(f.Warnings), "f.yaml:3: the environment variable B is not set (used 2 times here)")
	require.Equal(t, f.Engine.Deployments[0].ID+"-2", f.Engine.Deployments[1].ID)
}

func TestLiteLLMWarnings(t *testing.T) {
	for _, tt := range []struct{ name, params, rest, want string }{
		{"misspelt limit", "rmp: 5", "", "f.yaml:1: model_list[0].litellm_params.rmp: is nothing that changes routing; did you mean rpm?"},
		{"capitals", "TPM: 5", "", "litellm_params.TPM: is nothing that changes routing; did you mean tpm?"},
		{"fraction of input", "itpm: 5.5", "", "litellm_params.itpm: found 5.5; limits are whole numbers, rounded down to 5"},
		{"negative output", "otpm: -5", "", "litellm_params.otpm: found -5; a limit below zero lets nothing through"},
		{"weight", "weight: 5", v2, "litellm_params.weight: is ignored under usage-based-routing-v2"},
		{"default strategy", "rpm: 5", "", "f.yaml: router_settings.routing_strategy: the strategy is simple-shuffle, LiteLLM's default: LiteLLM treats rpm and tpm as weights there"},
		{"named strategy", "rpm: 5", "\nrouter_settings:\n  routing_strategy: simple-shuffle\n", "f.yaml:3: router_settings.routing_strategy: the strategy is simple-shuffle: LiteLLM treats"},
		{"null strategy", "rpm: 5", "\nrouter_settings: {routing_strategy: }\n", "the strategy is simple-shuffle, LiteLLM's default"},
		{"unknown section", "", "\nrouter_setings: {}\n", "f.yaml:2: router_setings: is no key that is known here and is ignored; did you mean router_settings?"},
		{"twice", "api_version: a, api_version: b", "", "f.yaml:1: api_version: is in this mapping already, on line 1; the last one counts, as in LiteLLM"},
		{"no host", "", "\nlitellm_settings: {cache: true}\n", "litellm_settings.cache: names no host, and neither REDIS_URL nor REDIS_HOST is set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, "model_list: [{model_name: g, litellm_params: {model: m, "+tt.params+"}}]"+tt.rest)
			require.Contains(t, messages(f.Warnings), tt.want)
		})
	}
	f := mustParse(t, "model_list: [{model_name: 'openai/*', litellm_params: {model: m}, model_info: {id: , team_id: t, tier: paid}}]\nrouter_settings: {routing_strategy: usage-based-routing-v2, enable_tag_filtering: false}\n")
	require.Equal(t, "f.yaml:1: model_info.team_id: keeping this deployment for a team: here it serves its whole group\n", messages(f.Undone))
	require.Equal(t, ""+
		"f.yaml:1: model_list[0].model_info.id: is empty, for which LiteLLM makes up another id at each start; the generated id is used\n", messages(f.Warnings))
	require.Len(t, f.Engine.Deployments[0].ID, 64)
}

func TestParametersThatLookLikeOthersAreNoMistakes(t *testing.T) {
	f := mustParse(t, "model_list: [{model_name: g, litellm_params: {model: m, top_p: 1, top_k: 2, mode: chat, seed: 1, stop: x, user: u, n: 1, max_tokens: 5, api_base: b}}]"+v2)
	require.Empty(t, messages(f.Warnings))
}
