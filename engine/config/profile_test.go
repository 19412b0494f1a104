package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func rule(t *testing.T, name, model string) provider.Profile {
	t.Helper()
	p, known := provider.Preset(name, model)
	require.True(t, known)
	return p
}

func TestProfilesOfTheOwnFormat(t *testing.T) {
	ones := provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1, Output: 1}
	azure := rule(t, "azure", "")
	second := azure
	second.RequestWindow = time.Second
	bucket := azure
	bucket.Shape, bucket.LearnPhase = provider.Bucket, false
	claude := rule(t, "bedrock", "anthropic.claude-sonnet-4-20250514-v1:0")
	dear := ones
	dear.Output = 4
	cached := rule(t, "anthropic", "").Weights
	cached.CachedInput = 0.1
	everything := provider.Profile{
		Phase: 15 * time.Second, LearnPhase: true, RequestWindow: 20 * time.Second, Admit: provider.AdmitMaxAsInput, EstimateStands: true,
		Weights: provider.Weights{Input: 1.5, CachedInput: 0.25, Output: 2}, CountsRefused: true, Day: provider.DayPacific, Pool: "opus 4.x",
	}
	for _, tt := range []struct {
		file, deployment string
		flag             config.Profiles
		want             provider.Profile
		how              config.Counting
	}{
		// What the file says, and nothing: the plain rule.
		{deployment: `model: azure/gpt-4o`, how: config.Counting{Provider: "azure", Preset: "plain"}},
		{deployment: `model: gpt-4o`, how: config.Counting{Preset: "plain"}},
		{file: "plain", deployment: `provider: openai`, how: config.Counting{Provider: "openai", Preset: "plain"}},
		// auto: the provider's rule, a bucket for one that is not known.
		{file: "auto", deployment: `model: azure/gpt-4o`, want: azure, how: config.Counting{Provider: "azure", Preset: "azure"}},
		{file: "auto", deployment: `model: gpt-4o, provider: OpenAI`, want: rule(t, "openai", ""), how: config.Counting{Provider: "openai", Preset: "openai"}},
		{file: "auto", deployment: `model: vertex_ai/gemini-2.5-pro`, want: rule(t, "vertex", ""), how: config.Counting{Provider: "vertex", Preset: "vertex"}},
		{file: "auto", deployment: `model: bedrock/anthropic.claude-sonnet-4-20250514-v1:0`, want: claude, how: config.Counting{Provider: "bedrock", Preset: "bedrock"}},
		{file: "auto", deployment: `model: gpt-4o`, want: provider.Unknown(), how: config.Counting{Preset: "bucket"}},
		{file: "auto", deployment: `model: meta/llama`, want: provider.Unknown(), how: config.Counting{Preset: "bucket"}},
		// The flag goes before the file, not before a deployment's own profile.
		{file: "plain", flag: config.ProfilesAuto, deployment: `model: azure/gpt-4o`, want: azure, how: config.Counting{Provider: "azure", Preset: "azure"}},
		{file: "auto", flag: config.ProfilesPlain, deployment: `model: azure/gpt-4o`, how: config.Counting{Provider: "azure", Preset: "plain"}},
		{flag: config.ProfilesPlain, deployment: `profile: azure`, want: azure, how: config.Counting{Preset: "azure"}},
		{file: "auto", deployment: `model: azure/gpt-4o, profile: plain`, how: config.Counting{Provider: "azure", Preset: "plain"}},
		{deployment: `profile: bucket`, want: provider.Unknown(), how: config.Counting{Preset: "bucket"}},
		{deployment: `model: azure/gpt-4o, profile: auto`, want: azure, how: config.Counting{Provider: "azure", Preset: "azure"}},
		{deployment: `model: x, profile: auto`, want: provider.Unknown(), how: config.Counting{Preset: "bucket"}},
		{deployment: `model: bedrock/anthropic.claude-sonnet-4-20250514-v1:0, profile: bedrock_converse`, want: claude, how: config.Counting{Provider: "bedrock", Preset: "bedrock"}},
		// Fields change a rule; those that are not given stay.
		{deployment: `profile: {preset: azure, request_window: 1s}`, want: second, how: config.Counting{Preset: "azure", Changed: true}},
		{deployment: `profile: {preset: azure, request_window: 10s}`, want: azure, how: config.Counting{Preset: "azure"}},
		{file: "auto", deployment: `model: azure/gpt-4o, profile: {request_window: 20s}`, want: provider.Profile{RequestWindow: 20 * time.Second}, how: config.Counting{Provider: "azure", Preset: "plain", Changed: true}},
		{deployment: `profile: {preset: azure, shape: bucket}`, want: bucket, how: config.Counting{Preset: "azure", Changed: true}},
		{deployment: `profile: {preset: bucket, learn_phase: false, phase: 0s}`, want: provider.Unknown(), how: config.Counting{Preset: "bucket"}},
		{deployment: `profile: {}`, how: config.Counting{Preset: "plain"}},
		{deployment: `profile: {weights: {output: 4}}`, want: provider.Profile{Weights: dear}, how: config.Counting{Preset: "plain", Changed: true}},
		{deployment: `profile: {preset: anthropic, weights: {cached_input: 0.1}}`, want: provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitInput, Weights: cached}, how: config.Counting{Preset: "anthropic", Changed: true}},
		{deployment: `profile: {preset: mistral, estimate_stands: false, admit: nothing}`, want: provider.Profile{Admit: provider.AdmitNothing}, how: config.Counting{Preset: "mistral", Changed: true}},
		{deployment: `profile: {phase: 15s, learn_phase: true, request_window: 20s, admit: max-as-input, estimate_stands: true, weights: {input: 1.5, cached_input: os.environ/QUARTER, cache_write: 0, output: 2}, counts_refused: true, day: pacific, pool: opus 4.x}`, want: everything, how: config.Counting{Preset: "plain", Changed: true}},
	} {
		t.Run(tt.file+" "+string(tt.flag)+" "+tt.deployment, func(t *testing.T) {
			o := environ(map[string]string{"QUARTER": "0.25"})
			o.Profiles = tt.flag
			text := "deployments: [{id: a, group: g, " + tt.deployment + "}]\n"
			if tt.file != "" {
				text += "profiles: " + tt.file
			}
			f, err := config.Parse("f.yaml", []byte(text), o)
			require.NoError(t, err)
			require.Empty(t, f.Warnings)
			require.Equal(t, tt.want, f.Engine.Deployments[0].Profile)
			require.Equal(t, map[string]config.Counting{"a": tt.how}, f.Counting)
		})
	}
}

// A LiteLLM file is counted by UTC minutes unless Options.Profiles says otherwise.
func TestProfilesOfALiteLLMFile(t *testing.T) {
	for params, want := range map[string]config.Counting{
		`model: azure/gpt-4o`:                       {Provider: "azure", Preset: "azure"},
		`model: azure_ai/command-r`:                 {Provider: "azure", Preset: "azure"},
		`model: gpt-4o, custom_llm_provider: azure`: {Provider: "azure", Preset: "azure"},
		`model: openai/gpt-4o`:                      {Provider: "openai", Preset: "openai"},
		`model: gpt-4o`:                             {Provider: "openai", Preset: "openai"},
		`model: openai/gpt-4o, api_base: "https://eu.api.openai.com/v1"`: {Provider: "openai", Preset: "openai"},
		`model: openai/x, api_base: "http://127.0.0.1:8000/v1"`:          {Preset: "bucket"},
		`model: openai/x, api_base: "https://api.groq.com/openai/v1"`:    {Provider: "groq", Preset: "groq"},
		`model: openai/x, api_base: nowhere`:                             {Preset: "bucket"},
		`model: anthropic/claude-sonnet-4-5`:                             {Provider: "anthropic", Preset: "anthropic"},
		`model: claude-sonnet-4-5`:                                       {Provider: "anthropic", Preset: "anthropic"},
		`model: bedrock/anthropic.claude-opus-4-8-v1:0`:                  {Provider: "bedrock", Preset: "bedrock"},
		`model: vertex_ai/gemini-2.5-pro`:                                {Provider: "vertex", Preset: "vertex"},
		`model: gemini/gemini-2.5-pro`:                                   {Provider: "gemini", Preset: "gemini"},
		`model: cohere_chat/command-r`:                                   {Provider: "cohere", Preset: "cohere"},
		`model: deepseek/deepseek-chat`:                                  {Preset: "bucket"},
		`model: hosted_vllm/llama, api_base: "http://127.0.0.1/v1"`:      {Preset: "bucket"},
		`model: somebody/llama`:                                          {Preset: "bucket"},
		`model: llama`:                                                   {Preset: "bucket"},
		`model: gpt-oss-120b`:                                            {Preset: "bucket"},
	} {
		t.Run(params, func(t *testing.T) {
			text := []byte("model_list: [{model_name: g, litellm_params: {" + params + "}, model_info: {id: a}}]")
			for _, flag := range []config.Profiles{config.ProfilesUnset, config.ProfilesPlain} {
				f, err := config.Parse("f.yaml", text, config.Options{LookupEnv: environ(nil).LookupEnv, Profiles: flag})
				require.NoError(t, err)
				require.Equal(t, provider.Profile{}, f.Engine.Deployments[0].Profile)
				require.Equal(t, config.Counting{Provider: want.Provider, Preset: "plain"}, f.Counting["a"])
			}
			f, err := config.Parse("f.yaml", text, config.Options{LookupEnv: environ(nil).LookupEnv, Profiles: config.ProfilesAuto})
			require.NoError(t, err)
			p := provider.Unknown()
			if want.Preset != "bucket" {
				p = rule(t, want.Preset, strings.TrimPrefix(f.Engine.Deployments[0].Model, "bedrock/"))
			}
			require.Equal(t, p, f.Engine.Deployments[0].Profile)
			require.Equal(t, want, f.Counting["a"])
		})
	}
}

func TestUnknownOption(t *testing.T) {
	_, err := config.Parse("f.yaml", []byte("deployments: [{id: a, group: g}]"), config.Options{Profiles: "always"})
	require.EqualError(t, err, `f.yaml: cannot be read: Options.Profiles is "always"; use auto or plain, or nothing for what the file says`)
	_, err = config.ParseProfiles("always")
	require.EqualError(t, err, "want auto or plain")
}

// The limits of both formats arrive in the engine and bind under a profile.
func TestAProfileBinds(t *testing.T) {
	f := mustParse(t, "deployments: [{id: a, group: g, tpm: 1000, profile: {admit: input+max}}]")
	e, err := engine.New(f.Engine)
	require.NoError(t, err)
	g, err := e.Group("g")
	require.NoError(t, err)
	lease, ok := g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: 10, MaxOutputTokens: 700})
	require.True(t, ok)
	require.Equal(t, int64(800), lease.Reserved())
	lease.Release()
}
