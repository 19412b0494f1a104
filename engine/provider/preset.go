package provider

import (
	"slices"
	"strings"
	"time"
)

// Unknown returns the rule to assume for a provider that documents none: a bucket, until its
// answers show minutes. In simulations it is the assumption that costs least if it is wrong.
func Unknown() Profile { return Profile{Shape: Bucket, LearnShape: true} }

// preset is one row of the table of providers. A new provider is a row, its headers in
// headers.go if they have names of their own, and its rule as a model in fuzz/rule: see
// docs/ARCHITECTURE.md.
type preset struct {
	name    string
	aliases []string
	profile Profile
	adapt   func(p *Profile, model string) // changes the profile for a model; nil: it is the same for all
}

// presets are the providers' rules as their own pages and answers state them,
// each with its source. Rules that a provider does not publish are marked (inferred).
var presets = []preset{
	// https://platform.openai.com/docs/guides/rate-limits: the larger of max_tokens
	// and the estimated tokens is counted. Failed requests count too. The waits in its
	// refusals are those of a bucket.
	{
		name: "openai", aliases: []string{"text-completion-openai"},
		profile: Profile{Shape: Bucket, Admit: AdmitLarger, CountsRefused: true},
	},
	// https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota: prompt and
	// max_tokens are counted at the start, and the estimate is not corrected. The
	// count is reset each minute, but not at the beginning of a minute of UTC. Requests are
	// counted over 1 or 10 s. Refused calls may count.
	{
		name: "azure", aliases: []string{"azure_text", "azure_ai", "azure openai"},
		profile: Profile{LearnPhase: true, RequestWindow: 10 * time.Second, Admit: AdmitInputMax, EstimateStands: true, CountsRefused: true},
	},
	// https://platform.claude.com/docs/en/api/rate-limits: buckets. Input read from
	// a cache does not count, input written to one does. Output counts as it is produced.
	{
		name:    "anthropic",
		profile: Profile{Shape: Bucket, Admit: AdmitInput, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html:
	// input and max_tokens are deducted at the start. At the end these are replaced by input,
	// cache writes and output times the model's burndown rate. The shape is not published
	// (inferred).
	{
		name: "bedrock", aliases: []string{"bedrock_converse", "bedrock-runtime"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInputMax, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
		adapt:   func(p *Profile, model string) { p.Weights.Output = burndown(model) },
	},
	// https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-mantle.html: separate limits
	// on input and output. Input and max_tokens are compared with the one
	// on input. Input read from a cache does not count, output counts as it is produced.
	// There is no limit on requests.
	{
		name: "bedrock-mantle", aliases: []string{"bedrock_mantle"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitMaxAsInput, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://ai.google.dev/gemini-api/docs/rate-limits: input tokens only. The requests of a
	// day are reset at midnight Pacific time. The shape is not published
	// (inferred).
	{
		name: "gemini", aliases: []string{"google"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInput, Weights: Weights{Input: 1, CachedInput: 1, CacheWrite: 1}, Day: DayPacific},
	},
	// https://cloud.google.com/vertex-ai/generative-ai/docs/quotas: a shared quota
	// without fixed limits, so that configured limits are the operator's own. They are counted
	// by input as for Gemini (inferred).
	{
		name: "vertex", aliases: []string{"vertex_ai", "vertex_ai_beta"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInput, Weights: Weights{Input: 1, CachedInput: 1, CacheWrite: 1}, Day: DayPacific},
	},
	// https://console.groq.com/docs/rate-limits: cached tokens do not count. Its
	// headers are those of a bucket. That the maximum output is counted at admission is
	// (inferred) from its refusals.
	{
		name:    "groq",
		profile: Profile{Shape: Bucket, Admit: AdmitInputMax, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://docs.mistral.ai/deployment/laplateforme/tier: tokens a minute. Fixed
	// minutes of the clock and one cost per call at its start are (inferred) from its
	// headers.
	{
		name: "mistral", aliases: []string{"codestral"},
		profile: Profile{Admit: AdmitInputMax, EstimateStands: true},
	},
	// https://docs.cohere.com/docs/rate-limits: calls a minute, no tokens.
	{
		name: "cohere", aliases: []string{"cohere_chat"},
		profile: Profile{Admit: AdmitNothing},
	},
	// https://inference-docs.cerebras.ai/support/rate-limits: the estimated input and
	// max_completion_tokens are counted at the start. Limits are per minute, hour and day.
	{
		name:    "cerebras",
		profile: Profile{Admit: AdmitInputMax},
	},
}

// Preset returns the rule of a provider for a model. The provider's name is LiteLLM's prefix of
// models or one that [Names] lists, in upper or lower case. The model's name is the provider's;
// "" = the rule of most models. False: the provider is unknown, and the rule is
// that of [Unknown].
func Preset(name, model string) (Profile, bool) {
	p := find(name)
	if p == nil {
		return Unknown(), false
	}
	got := p.profile
	if p.adapt != nil {
		p.adapt(&got, model)
	}
	return got, true
}

// find returns a provider by name, nil if it is not known.
func find(name string) *preset {
	name = strings.ToLower(strings.TrimSpace(name))
	for i := range presets {
		if p := &presets[i]; name == p.name || slices.Contains(p.aliases, name) {
			return p
		}
	}
	return nil
}

// Canonical returns the name under which [Names] lists a provider, by any name
// that [Preset] accepts; "" and false if the provider is unknown.
func Canonical(name string) (string, bool) {
	if p := find(name); p != nil {
		return p.name, true
	}
	return "", false
}

// Names returns the names of the providers that have a preset, in the order of the table.
func Names() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return names
}

// burndown returns Bedrock's burndown rate of a model: how many tokens a token of output counts.
// (https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html)
func burndown(model string) float64 {
	model = strings.NewReplacer(".", "-", "_", "-", " ", "-", "/", "-", ":", "-").Replace(strings.ToLower(model)) + "-"
	if !strings.Contains(model, "claude-") {
		return 1
	}
	for _, r := range []struct {
		rate  float64
		parts []string
	}{
		{15, []string{"-4-8-"}},
		{10, []string{"sonnet-5-", "opus-5-", "fable-5-1-"}},
		{5, []string{"-3-7-", "sonnet-4-", "opus-4-", "haiku-4-", "claude-4-"}},
	} {
		for _, part := range r.parts {
			if strings.Contains(model, part) {
				return r.rate
			}
		}
	}
	return 1
}
