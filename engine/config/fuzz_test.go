package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// callable returns the endpoints of the groups that can be called, as a program
// gives them to package transport.
func callable(f *config.File) map[string]transport.Endpoint {
	half := map[string]bool{}
	for _, d := range f.Engine.Deployments {
		if _, ok := f.Endpoints[d.ID]; !ok {
			half[d.Group] = true
		}
	}
	out := map[string]transport.Endpoint{}
	for _, d := range f.Engine.Deployments {
		if ep := f.Endpoints[d.ID]; !half[d.Group] {
			out[d.ID] = transport.Endpoint{
				API: transport.API(ep.API), BaseURL: ep.BaseURL, Model: ep.Model, APIVersion: ep.APIVersion, Provider: ep.Provider,
				Credential: func(context.Context) (string, error) { return ep.Credential.Get(nil) },
				Bearer:     ep.Bearer, NoStreamUsage: ep.NoStreamUsage,
			}
		}
	}
	return out
}

// Whatever the bytes are, Parse returns a configuration that the engine and
// package transport take, or an Error with something in it, and reads the same
// bytes the same way twice.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everyField), false)
	files, err := filepath.Glob("testdata/bad-*.yaml")
	require.NoError(f, err)
	for _, path := range files {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data, false)
	}
	f.Add([]byte("deployments: [{id: a, group: g, model: azure/x, endpoint: {url: 'https://h', api_version: v, key: k, bearer: true}}, {id: b, group: g, provider: groq, endpoint: {key_file: k}}]"), false)
	f.Add([]byte("model_list:\n- {model_name: g, litellm_params: {model: azure/x/y, api_base: 'https://h/openai/v1/', api_version: v, azure_ad_token: k}}\n- {model_name: h, litellm_params: {model: gpt-4, custom_llm_provider: openai, api_base: 'http://[::1]:80/%20/chat/completions', api_key: 1}}"), false)
	f.Add([]byte(`{"model_list": [{"model_name": "g", "litellm_params": {"model": "m", "rpm": 1e3, "x": {"y": [null, true]}}}]}`), true)
	f.Add([]byte("model_list:\n- &a {model_name: g, litellm_params: {<<: &p {model: m}, weight: 1, tags: [a]}}\n- {<<: *a, model_info: {id: 1:30}}\nrouter_settings: {redis_url: 'redis://:x@h'}\n"), false)
	for _, text := range convertible {
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "f.yaml"
		if isJSON {
			name = "f.json"
		}
		vars := environ(map[string]string{"A": "1", "B": "true", "C": "text"})
		file, err := config.Parse(name, data, vars)
		again, errAgain := config.Parse(name, data, vars)
		if err != nil {
			wrong, ok := errors.AsType[*config.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, wrong.Findings)
			require.LessOrEqual(t, len(wrong.Findings), config.MaxFindings)
			require.Nil(t, file)
			require.EqualError(t, errAgain, err.Error())
			return
		}
		require.Equal(t, file.Engine, again.Engine)
		require.Equal(t, file.Warnings, again.Warnings)
		require.LessOrEqual(t, len(file.Warnings), config.MaxFindings+1)
		require.Equal(t, file.Endpoints, again.Endpoints)
		require.LessOrEqual(t, len(file.Notes), config.MaxFindings+1)
		if file.Format == config.FormatLiteLLM {
			_, err := config.ConvertText(name, data, vars) // it compares
			require.NoError(t, err)
		}
		eng, err := engine.New(file.Engine)
		require.NoError(t, err)
		if endpoints := callable(file); len(endpoints) > 0 {
			_, err = transport.New(transport.Config{Engine: eng, Endpoints: endpoints})
			require.NoError(t, err)
		}
	})
}
