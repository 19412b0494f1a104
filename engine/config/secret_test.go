package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// planted are the secrets of the files below.
var planted = []string{
	"sk-literal-1111", "sk-nested-2222", "sk-header-3333", "sk-listed-4444", "sk-master-5555",
	"pw-redis-6666", "pw-url-7777", "pw-escaped%20-8888", "pw-escaped -8888", "987654321987",
	"sk-env-aaaa", "host-env-bbbb", "group-env-cccc", "model-env-dddd", "tag-env-eeee", "pw-env-ffff", "rpm-env-gggg",
	"sk-alias-hhhh", "sk-tag-iiii", "sk-unknown-jjjj",
}

var plantedVars = map[string]string{
	"KEY": "sk-env-aaaa", "HOST": "host-env-bbbb", "GROUP": "group-env-cccc", "MODEL": "model-env-dddd", "PW": "pw-env-ffff", "RPM": "rpm-env-gggg",
}

// requireClean fails if a text holds a secret.
func requireClean(t *testing.T, text string) {
	t.Helper()
	for _, s := range planted {
		require.NotContains(t, text, s)
	}
}

// everyText is whatever a file or an error can be made to print.
func everyText(f *config.File, err error) string {
	var b bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&b, nil))
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		fmt.Fprintf(&b, "%v %+v %#v %s %q\n", wrong, wrong, *wrong, wrong, wrong)
		_ = json.NewEncoder(&b).Encode(wrong)
		logger.Info("x", "error", err, "error_value", *wrong)
		return b.String()
	}
	fmt.Fprintf(&b, "%v %+v %#v %s\n", f.Warnings, f.Warnings, f.Warnings, f.Warnings)
	store := f.Store
	fmt.Fprintf(&b, "%v %s %q %x %d\n", store, store, store, store.URL, store.URL)
	_ = json.NewEncoder(&b).Encode(store)
	logger.Info("x", "store", store, "url", store.URL)
	for _, d := range f.Engine.Deployments {
		fmt.Fprintln(&b, f.Mask(d.ID), f.Mask(d.Group), f.Mask(d.Model), f.Mask(strings.Join(d.Tags, " ")), f.Mask(fmt.Sprint(d)))
	}
	fmt.Fprintf(&b, "%v %+v\n", f.Notes, f.Notes)
	for _, ep := range f.Endpoints { // the map's keys are ids, which Mask is for
		fmt.Fprintf(&b, "%v %+v %#v\n", ep, ep, ep)
		_ = json.NewEncoder(&b).Encode(ep)
		logger.Info("x", "endpoint", ep, "key", ep.Credential, "source", ep.Credential.Source())
	}
	for alias, group := range f.Engine.Aliases {
		fmt.Fprintln(&b, f.Mask(alias), f.Mask(group))
	}
	return b.String()
}

func TestNoSecretIsShown(t *testing.T) {
	for name, text := range map[string]string{
		"a good file": `
model_list:
  - model_name: os.environ/GROUP
    litellm_params:
      model: os.environ/MODEL
      api_key: sk-literal-1111
      tags: [sk-literal-1111]
      aws_secret_access_key: 987654321987
      extra_headers: {X-Custom: sk-header-3333, list: [sk-listed-4444]}
      nested: {client_secret: {deep: sk-nested-2222}}
      rpmm: 5
    model_info: {id: sk-literal-1111/east}
  - {model_name: os.environ/GROUP, litellm_params: {model: x, api_key: os.environ/KEY, weight: 1, vertex_credentials: '{"k": "sk-nested-2222"}'}}
router_settings:
  redis_host: os.environ/HOST
  redis_password: pw-redis-6666
  model_group_alias: {fast: os.environ/GROUP, gone: sk-literal-1111}
general_settings: {master_key: sk-master-5555, database_url: 'postgres://u:pw-url-7777@h/db'}
environment_variables: {ANYTHING: sk-unknown-jjjj}
`,
		"keys of endpoints": `
deployments:
  - {id: sk-literal-1111, group: g, provider: openai, endpoint: {key: sk-literal-1111}}
  - {id: b, group: g, provider: openai, endpoint: {key: os.environ/KEY}}
  - {id: c, group: g, provider: openai, endpoint: {key: 987654321987}}
`,
		"bad keys of endpoints": `
deployments:
  - {id: a, group: g, provider: sk-literal-1111, endpoint: {key: &key sk-literal-1111, api: *key, model: "sk-literal-1111\n", bearer: *key, url: *key, api_version: *key}}
  - {id: b, group: g, provider: openai, endpoint: {key: [sk-listed-4444]}}
  - {id: c, group: g, provider: openai, endpoint: {key: "sk-nested-2222\n"}}
  - {id: d, group: g, provider: openai, endpoint: {url: "https://me:pw-url-7777@h"}}
  - {id: e, group: g, provider: openai, endpoint: {url: "http://h/?key=sk-unknown-jjjj"}}
`,
		"an address":          "deployments: [{id: a, group: g, model: pw-url-7777}]\nstore: {url: 'valkey://me:pw-url-7777@h:1?sentinel_password=pw-redis-6666'}",
		"a bad address":       "deployments: [{id: a, group: g}]\nstore: {url: 'valkey://me:pw-url-7777 @[h:1'}",
		"an escaped password": "deployments: [{id: 'pw-escaped -8888', group: g}]\nstore: {url: 'valkey://me:pw-escaped%20-8888@h'}",
		"a secret where none belongs": `
model_list:
  - model_name: g
    litellm_params: {model: m, api_key: &key sk-literal-1111, rpm: *key, weight: *key, order: *key, tags: *key, max_parallel_requests: *key}
    model_info: {id: [*key], blocked: *key}
  - {model_name: g, litellm_params: {model: m, rpm: os.environ/RPM, tpm: os.environ/KEY, order: os.environ/PW, tags: os.environ/KEY}}
router_settings: {routing_strategy: sk-literal-1111, model_group_alias: {sk-literal-1111: *key, x: [*key]}, redis_url: os.environ/PW, redis_port: *key}
sk-literal-1111: x
`,
		"the same id":          "model_list: [{model_name: g, litellm_params: {model: m}, model_info: {id: os.environ/KEY}}, {model_name: g, litellm_params: {model: n}, model_info: {id: os.environ/KEY}}]",
		"an unknown alias":     "model_list: [{model_name: g, litellm_params: {model: m, api_key: *sk-alias-hhhh}}]",
		"a tag":                "model_list: [{model_name: g, litellm_params: {model: m, api_key: !sk-tag-iiii x}}]",
		"broken YAML":          "model_list: [{model_name: g, litellm_params: {model: m, api_key: sk-literal-1111}]",
		"a key like a mapping": "model_list:\n  - model_name: g\n    litellm_params:\n      api_key: sk-literal-1111: x\n",
		"an indicator":         "model_list:\n  - litellm_params:\n      api_key: @sk-literal-1111\n",
		"nothing but it":       "sk-literal-1111",
		"twice":                "deployments: [{id: a, group: g}]\nstore: {url: 'valkey://:pw-url-7777@h', url: 'valkey://:pw-url-7777@h'}",
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"f.yaml", "f.json"} {
				f, err := config.Parse(file, []byte(text), environ(plantedVars))
				requireClean(t, everyText(f, err))
			}
		})
	}
}

// printed is a value in every way that programs print it.
func printed(v any) []string {
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	texts := []string{b.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		texts = append(texts, fmt.Sprintf(verb, v), fmt.Sprintf(verb, &v))
	}
	return texts
}

func TestSecret(t *testing.T) {
	s := config.Secret("sk-literal-1111")
	requireClean(t, fmt.Sprintf("%v %+v %#v %s %q %x %d %v", s, s, s, s, s, s, s, struct{ S config.Secret }{s}))
	require.Equal(t, "(hidden)", s.String())
	require.Empty(t, config.Secret("").String())
	data, err := json.Marshal(map[string]any{"a": s, "b": []config.Secret{s}, "c": config.Store{URL: s}.URL})
	require.NoError(t, err)
	require.JSONEq(t, `{"a": "(hidden)", "b": ["(hidden)"], "c": "(hidden)"}`, string(data))
	require.Equal(t, "(hidden)", config.Store{URL: "valkey://:pw@h"}.String())
}

func TestMask(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
model_list: [{model_name: g, litellm_params: {model: m, api_key: fake, other_key: abc123, third_key: abc123gh, fourth_key: priority, x: os.environ/X, y: os.environ/Y}}]
`), environ(map[string]string{"X": "abc", "Y": "longer-value"}))
	require.NoError(t, err)
	for text, want := range map[string]string{
		"fake":             "fake", // too short to be a secret
		"abc123":           "(hidden)",
		"an abc123 in it":  "an (hidden) in it",
		"an abc123gh":      "an (hidden)", // not "an (hidden)gh"
		"priority":         "(hidden)",
		"gemini-priority":  "gemini-priority", // a word is hidden where it is the whole text
		"abc":              "os.environ/X",
		"abc in it":        "abc in it", // too short to look for
		"a longer-value":   "a os.environ/Y",
		"":                 "",
		"nothing to mask!": "nothing to mask!",
	} {
		require.Equal(t, want, f.Mask(text), text)
	}
}
