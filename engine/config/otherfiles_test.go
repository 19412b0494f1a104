package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// A file of LiteLLM's may leave all deployments to the files that it includes, as in LiteLLM's
// documentation, and is LiteLLM's by its other keys then.
func TestIncludeAlone(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("models.yaml", "model_list:\n- {model_name: a, litellm_params: {model: openai/x, api_key: os.environ/K, rpm: os.environ/RPM}}\n")
	for name, text := range map[string]string{
		"config.yaml": "include: [models.yaml]\nenvironment_variables: {RPM: '7', K: sk-of-the-file-1}\nlitellm_settings: {num_retries: 4}\nlitellm_settings: {num_retries: 5}\n",
		"config.json": `{"include": ["models.yaml"], "environment_variables": {"RPM": "7", "K": "sk-of-the-file-1"}, "litellm_settings": {"num_retries": 5}}`,
	} {
		f, err := config.Load(write(name, text), environ(nil))
		require.NoError(t, err, name)
		require.Equal(t, config.FormatLiteLLM, f.Format)
		require.Len(t, f.Engine.Deployments, 1)
		require.Equal(t, int64(7), f.Engine.Deployments[0].Limits.RPM)
		require.Equal(t, 6, f.Routing.MaxAttempts)
		got, err := config.Convert(filepath.Join(dir, name), environ(nil))
		require.NoError(t, err, name)
		require.Contains(t, string(got.Text), "group: a")
	}
	for text, want := range map[string]string{
		"general_settings: {master_key: sk-12345678}\n":                                           "f.yaml:1: model_list: is missing; want a list of deployments",
		"router_settings: {num_retries: 1}\n":                                                     "f.yaml:1: model_list: is missing; want a list of deployments",
		"Model_List: []\n":                                                                        "f.yaml:1: deployments: is missing; want a list of deployments",
		"- model_name: a\n  litellm_params: {model: x}\n":                                         "f.yaml:1: is a list; a configuration is a mapping, such as model_list: followed by this list",
		"data:\n  config.yaml: |\n    # ours\n    model_list:\n    - {}\n":                        "f.yaml:2: data.config.yaml: is a configuration inside another file",
		"proxy_config:\n  model_list:\n  - {}\n":                                                  "f.yaml:1: proxy_config: is a configuration inside another file",
		"configMap: {plimsoll: {deployments: [{id: a, group: g}]}}\n":                             "f.yaml:1: configMap.plimsoll: is a configuration inside another file",
		"{{- if .Values.x }}\nmodel_list: []\n":                                                   "f.yaml:1: is not YAML: did not find expected node content; {{…}} of a template must be rendered first",
		"model_list:\n- model_name: {{ .Values.m }}\n":                                            "f.yaml:2: a list or mapping is used as a key; keys are texts. {{…}} of a template must be rendered first",
		"a: 1\nmodel_list:\n- model_name: a\n  litellm_params: *base\n":                           "f.yaml:4: is not YAML: an alias (*name) refers to no anchor",
		"%YAML 2.0\n---\nmodel_list: []\n":                                                        "f.yaml:1: is not YAML: found incompatible YAML document",
		"model_list:\n- model_name: a\n  model: openai/x\n  api_base: b\n":                        "f.yaml:2: model_list[0].litellm_params: is missing; want a mapping with at least a model; write model and the like under it",
		"deployments: [{id: a, group: g}]\nlitellm_settings: {}\nstore: {}\n":                     "f.yaml:3: store.url: is missing",
		"litellm_settings: x\nmodel_list: [{model_name: a, litellm_params: {model: openai/x}}]\n": "f.yaml:1: litellm_settings: found the text \"x\"; want a mapping",
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, want, text)
		require.Len(t, err.(*config.Error).Findings, 1, text) //nolint:errorlint // it is one
	}
	f := mustParse(t, "# ours\n%YAML 1.2\n---\nmodel_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k, drop_params: yes}}]\n")
	require.Len(t, f.Engine.Deployments, 1)
	f = mustParse(t, "model_list:\n- model_name: a\n  api_base: http://x\n  litellm_params:\n    model: openai/x\n\u00a0   rpm: 4\n")
	require.Contains(t, messages(f.Warnings), "f.yaml:6: the line is indented with a no-break space")
	require.Contains(t, messages(f.Warnings), "f.yaml:2: model_list[0].litellm_params: has keys beside it that have no effect there; write api_base and the like under it")
}

// A colon without a space behind it makes a text or a key of what should be a key and a value.
// It is warned of, and a secret in it is shown nowhere, not in part either.
func TestMissingSpace(t *testing.T) {
	const secret = "sk-proj-0123456789abcdef0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		"model_list:\n- model_name: a\n  litellm_params: {model: openai/x, api_key:" + secret + "}\n":                          "f.yaml:3: model_list[0].litellm_params.api_key:…: is no key of LiteLLM's; write a space after api_key:",
		"model_list:\n- model_name: a\n  litellm_params: {model: openai/x, api_base:http://h}\n":                               "f.yaml:3: model_list[0].litellm_params.api_base:…: is no key of LiteLLM's; write a space after api_base:",
		"model_list:\n- model_name: a\n  litellm_params:\n    api_key:" + secret + "\n":                                        `f.yaml:4: model_list[0].litellm_params: found the text "api_key:(hidden)"; want a mapping`,
		"model_list: [{model_name: a, litellm_params: {model: openai/x}}]\nrouter_settings: {redis_password:" + secret + "}\n": "f.yaml:2: router_settings.redis_password:…: is no key that is known here and is ignored; write a space after redis_password:",
		"model_list: [{model_name: a, litellm_params: {model: openai/x}}]\ngeneral_settings: master_key=" + secret + "\n":      `found the text "master_key=(hidden)"`,
		"deployments: [{id: a, group: g, endpoint: {key:" + secret + ", api: openai, url: 'http://h'}}]\n":                     "f.yaml:1: deployments[0].endpoint.key:…: is no key that is known here and is ignored; write a space after key:",
		"deployments: [{id: a, group: g, endpoint: 'url:http://h api_key:" + secret + "'}]\n":                                  `found the text "url:http://h api_key:(hidden)"`,
		"model_list: [{model_name: a, litellm_params: {model: openai/x, extra_headers: 'Bearer " + secret + "'}}]\n":           "extra_headers: is a text; want a mapping",
		"model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: " + secret + ", rpm: " + secret + "}}]\n":     `rpm: found the text "(hidden)"`,
	} {
		f, err := parse(text)
		said := warningsOf(f, err)
		if err != nil {
			said += err.Error()
		}
		require.Contains(t, said, want, text)
		require.NotContains(t, said, secret[:12], text)
	}
}

// Quotation marks around a key in the environment are sent, and warned of.
func TestQuotedKeys(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(masterFile+"general_settings: {master_key: os.environ/MK}\n"), environ(map[string]string{"MK": `"sk-12345678"`}))
	require.NoError(t, err)
	require.Equal(t, "f.yaml:2: general_settings.master_key: the value of the environment variable MK stands in quotation marks, which are part of the key: docker run --env-file keeps them\n", messages(f.Warnings))
	f, err = config.Parse("f.yaml", []byte("deployments: [{id: a, group: g, provider: openai, endpoint: {key: os.environ/K}}]\n"), environ(map[string]string{"K": `'sk-12345678'`}))
	require.NoError(t, err)
	require.Equal(t, "f.yaml:1: the value of the environment variable K, which is the key of an endpoint, stands in quotation marks, which are sent as part of it: docker run --env-file keeps them\n", messages(f.Warnings))
}
