package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const masterFile = "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k}}]\n"

// The master key is that of general_settings, else that of LITELLM_MASTER_KEY, without the
// white space around it. One that is empty is warned of, since callers need no key then.
func TestMasterKey(t *testing.T) {
	const inMaster = "general_settings: {master_key: os.environ/MK}\n"
	for i, c := range []struct {
		text string
		vars map[string]string
		key  string
		says string // of a warning or note; "" = nothing of the kind
	}{
		{"general_settings: {master_key: sk-12345678}\n", map[string]string{"LITELLM_MASTER_KEY": "sk-other-one"}, "sk-12345678", ""},
		{inMaster, map[string]string{"MK": "sk-12345678\n"}, "sk-12345678", ""},
		{"general_settings:\n  master_key: |\n    sk-12345678\n", nil, "sk-12345678", ""},
		{inMaster, map[string]string{"MK": ""}, "", "f.yaml:2: general_settings.master_key: the environment variable MK is empty: serve asks callers for no key"},
		{inMaster, map[string]string{"MK": " \n"}, "", "the environment variable MK is empty: serve asks callers for no key"},
		{inMaster, map[string]string{"LITELLM_MASTER_KEY": "sk-12345678"}, "", "the environment variable MK is not set: serve asks callers for no key until it is"},
		{`general_settings: {master_key: ""}` + "\n", nil, "", "f.yaml:2: general_settings.master_key: is empty: serve asks callers for no key"},
		{"general_settings: {master_key: null}\n", map[string]string{"LITELLM_MASTER_KEY": "sk-12345678"}, "", ""},
		{"", map[string]string{"LITELLM_MASTER_KEY": "sk-12345678\n"}, "sk-12345678", "the master key is that of the environment variable LITELLM_MASTER_KEY"},
		{"general_settings: {}\n", map[string]string{"LITELLM_MASTER_KEY": "sk-12345678"}, "sk-12345678", "the master key is that of the environment variable LITELLM_MASTER_KEY"},
		{"environment_variables: {LITELLM_MASTER_KEY: sk-12345678}\n", nil, "sk-12345678", "LITELLM_MASTER_KEY"},
		{"", map[string]string{"LITELLM_MASTER_KEY": " "}, "", ""},
		{`general_settings: {master_key: "${MASTER}"}` + "\n", nil, "${MASTER}", "everyone who knows this form knows the key"},
	} {
		f, err := config.Parse("f.yaml", []byte(masterFile+c.text), environ(c.vars))
		require.NoError(t, err, i)
		key, err := f.MasterKey.Get(nil)
		require.NoError(t, err, i)
		require.Equal(t, c.key, key, i)
		require.Equal(t, key == "", f.MasterKey.IsZero(), i)
		said := messages(f.Warnings) + messages(f.Notes)
		require.NotContains(t, said, "sk-12345678", i)
		if c.says == "" {
			require.NotContains(t, said, "key is", i)
			require.NotContains(t, said, "serve asks", i)
		} else {
			require.Contains(t, said, c.says, i)
		}
		if key != "" && c.says != "" && key[0] == 's' {
			require.NotContains(t, f.Mask("a "+key+" b"), key, i)
		}
	}
}

// The white space around the key of a variable, such as the end of a line that a mounted
// secret has, is no part of it.
func TestKeysWithTheEndOfALine(t *testing.T) {
	vars := map[string]string{"K": "sk-live-12345\n", "OPENAI_API_KEY": "\tsk-live-12345 \r\n", "BLANK": " \n", "BASE": "https://api.openai.com/v1\n"}
	f, err := config.Parse("f.yaml", []byte(`
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: os.environ/K}, model_info: {id: a}}
  - {model_name: b, litellm_params: {model: openai/x}, model_info: {id: b}}
  - model_name: c
    litellm_params:
      model: openai/x
      api_base: os.environ/BASE
      api_key: |
        sk-live-12345
    model_info: {id: c}
  - {model_name: d, litellm_params: {model: openai/x, api_key: os.environ/BLANK}, model_info: {id: d}}
`), environ(vars))
	require.NoError(t, err)
	for _, id := range []string{"a", "b", "c"} {
		key, err := f.Endpoints[id].Credential.Get(environ(vars).LookupEnv)
		require.NoError(t, err)
		require.Equal(t, "sk-live-12345", key, id)
	}
	require.Equal(t, "https://api.openai.com/v1", f.Endpoints["c"].BaseURL)
	_, err = f.Endpoints["d"].Credential.Get(environ(vars).LookupEnv)
	require.EqualError(t, err, "the environment variable BLANK is unset or empty")
	require.Contains(t, messages(f.Notes), "f.yaml:12: the environment variable BLANK, which is the key of an endpoint, is not set or empty")
	require.Empty(t, messages(f.Warnings))
	require.NotContains(t, f.Mask("provider said sk-live-12345."), "sk-live-12345", "an echo has no end of a line")
}

// A text that looks like a variable and is none is warned of, with its line, once for all
// entries that have it.
func TestUnresolvedVariables(t *testing.T) {
	for text, what := range map[string]string{
		"model: anthropic/os.environ/MODEL":                     "f.yaml:4: litellm_params.model: holds os.environ/NAME inside a longer text",
		`api_key: "${KEY}"`:                                     "f.yaml:4: litellm_params.api_key: holds a variable of a shell or a template",
		`api_key: "${KEY:-sk-default-1}"`:                       "litellm_params.api_key: holds a variable of a shell or a template",
		"api_key: $KEY_OF_MINE":                                 "litellm_params.api_key: holds a variable of a shell or a template",
		`api_key: "{{ .Values.key }}"`:                          "litellm_params.api_key: holds a variable of a shell or a template",
		`api_base: "http://${HOST}:8000/v1"`:                    "litellm_params.api_base: holds a variable of a shell or a template",
		"api_base: https://os.environ/HOST/v1":                  "litellm_params.api_base: holds os.environ/NAME inside",
		`api_key: "os.environ['KEY']"`:                          "litellm_params.api_key: holds os.environ in another form",
		`api_key: os.getenv("KEY")`:                             "litellm_params.api_key: holds os.environ in another form",
		"extra_headers: {X-Account: Bearer os.environ/ACCOUNT}": "litellm_params.extra_headers.X-Account: holds os.environ/NAME inside",
		"api_key: PLAN_1_KEY_2":                                 "litellm_params.api_key: holds what looks like the name of a variable alone",
		"tags: [os.environ/TAG]":                                "litellm_params.tags: holds os.environ/NAME in a list",
	} {
		model := "      model: openai/x\n"
		if text[:6] == "model:" {
			model = ""
		}
		f := mustParse(t, "model_list:\n  - model_name: a\n    litellm_params:\n      "+text+"\n"+model+
			"  - model_name: b\n    litellm_params:\n      "+text+"\n      rpm: 1\n"+model)
		require.Contains(t, messages(f.Warnings), what, text)
		require.Contains(t, messages(f.Warnings), "and so does plimsoll (2 times). Put the whole value into a variable and write os.environ/NAME", text)
		require.NotContains(t, messages(f.Warnings), "sk-default-1")
	}
	f := mustParse(t, masterFile+"router_settings: {redis_host: '${REDIS}'}\nlitellm_settings: {cache: true, cache_params: {type: redis, host: '${REDIS}'}}\n")
	require.Contains(t, messages(f.Warnings), "f.yaml:2: router_settings.redis_host: holds a variable of a shell or a template")
	require.Contains(t, messages(f.Warnings), "f.yaml:3: litellm_settings.cache_params.host: holds a variable of a shell or a template")
	many := "model_list:\n"
	for i := range 200 {
		many += fmt.Sprintf("- {model_name: a%d, litellm_params: {model: openai/x, api_key: '${K}', timeout: 1m}}\n", i)
	}
	require.Contains(t, messages(mustParse(t, many).Warnings), "and so does plimsoll (200 times)", "it is among those that are listed")
	f = mustParse(t, `
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: sk-ab$cd, extra_headers: {X-Key: DUMMY_KEY}, extra_body: {chat_template: "{{ messages }}", note: "os.environ ${X}"}}}
`)
	require.Empty(t, messages(f.Warnings), "texts that a client may send")
}
