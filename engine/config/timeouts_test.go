package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

func TestTimeouts(t *testing.T) {
	const s = time.Second
	own := func(keys string) string {
		return "deployments: [{id: a, group: g, provider: openai, endpoint: {" + keys + "}}]"
	}
	lite := func(params, settings string) string {
		return "model_list: [{model_name: g, litellm_params: {model: openai/m, api_key: k" + params + "}, model_info: {id: a, base_model: azure/gpt-4o, max_input_tokens: 128000}}]" + v2 + settings
	}
	for name, tt := range map[string]struct {
		file string
		want config.Timeouts
	}{
		"none":                     {own(""), config.Timeouts{}},
		"each":                     {own("connect_timeout: 1s, timeout: 2s, stream_timeout: 3s, idle_timeout: 4s"), config.Timeouts{Connect: s, FirstByte: 2 * s, StreamFirstByte: 3 * s, Idle: 4 * s}},
		"streams follow":           {own("timeout: 90s"), config.Timeouts{FirstByte: 90 * s, StreamFirstByte: 90 * s}},
		"LiteLLM, none":            {lite("", ""), config.Timeouts{}},
		"LiteLLM":                  {lite(", timeout: 30, stream_timeout: '1.5'", ""), config.Timeouts{FirstByte: 30 * s, StreamFirstByte: 1500 * time.Millisecond}},
		"LiteLLM, the router's":    {"router_settings: {routing_strategy: usage-based-routing-v2, timeout: 7, stream_timeout: 3}\nmodel_list: [{model_name: g, litellm_params: {model: openai/m, api_key: k, timeout: 9}, model_info: {id: a}}]", config.Timeouts{FirstByte: 9 * s, StreamFirstByte: 3 * s}},
		"LiteLLM, request_timeout": {lite("", "litellm_settings: {request_timeout: 600}\n"), config.Timeouts{FirstByte: 600 * s, StreamFirstByte: 600 * s}},
		"LiteLLM, no number":       {lite(", timeout: soon, stream_timeout: -1", ""), config.Timeouts{}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte(tt.file), environ(keysSet))
			require.NoError(t, err)
			require.Equal(t, tt.want, f.Endpoints["a"].Timeouts)
		})
	}
	f, err := config.Parse("f.yaml", []byte(lite("", "")), environ(keysSet))
	require.NoError(t, err)
	require.EqualValues(t, 128_000, f.Endpoints["a"].MaxInputTokens)
	require.Equal(t, "azure/gpt-4o", f.Endpoints["a"].BaseModel)
	f, err = config.Parse("f.yaml", []byte(own("max_input_tokens: 8192, base_model: gpt-4")), environ(keysSet))
	require.NoError(t, err)
	require.EqualValues(t, 8192, f.Endpoints["a"].MaxInputTokens)
	require.Equal(t, "gpt-4", f.Endpoints["a"].BaseModel)
	_, err = config.Parse("f.yaml", []byte(own("timeout: 30")), environ(keysSet))
	require.ErrorContains(t, err, "deployments[0].endpoint.timeout: found")
}
