package provider

import (
	"slices"
	"strings"
	"time"
)

// Unknown is the rule to assume of a provider that documents none: a bucket, until its
// answers show minutes. In simulation it costs least when it is wrong.
func Unknown() Profile { return Profile{Shape: Bucket, LearnShape: true} }

// preset is one row of the table of providers.
type preset struct {
	name    string
	aliases []string
	profile Profile
	adapt   func(p *Profile, model string)
}

// presets are the providers' rules as their own pages and answers state them,
// each with its source. What a provider does not publish is marked (inferred).
var presets = []preset{
	// https://platform.openai.com/docs/guides/rate-limits: the larger of max_tokens
	// and the estimated tokens counts, failed requests do too. The waits in its
	// refusals are those of a bucket.
	{
		name: "openai", aliases: []string{"text-completion-openai"},
		profile: Profile{Shape: Bucket, Admit: AdmitLarger, CountsRefused: true},
	},
	// https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota: prompt and
	// max_tokens count at the start, and what was estimated is not corrected; the
	// count is reset each minute, but not on the minute; requests are judged over 1
	// or 10 s, refused calls may count.
	{
		name: "azure", aliases: []string{"azure_text", "azure_ai", "azure openai"},
		profile: Profile{LearnPhase: true, RequestWindow: 10 * time.Second, Admit: AdmitInputMax, EstimateStands: true, CountsRefused: true},
	},
	// https://platform.claude.com/docs/en/api/rate-limits: buckets; input read from
	// a cache does not count, input written to one does; output counts as produced.
	{
		name:    "anthropic",
		profile: Profile{Shape: Bucket, Admit: AdmitInput, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html:
	// input and max_tokens are deducted at the start; in the end input, cache writes
	// and output times the model's burndown rate. The shape is not published
	// (inferred).
	{
		name: "bedrock", aliases: []string{"bedrock_converse", "bedrock-runtime"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInputMax, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
		adapt:   func(p *Profile, model string) { p.Weights.Output = burndown(model) },
	},
	// https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-mantle.html: limits
	// on input and output apart; input and max_tokens are checked against the one
	// on input; input read from a cache does not count, output counts as produced;
	// no limit on requests.
	{
		name: "bedrock-mantle", aliases: []string{"bedrock_mantle"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitMaxAsInput, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://ai.google.dev/gemini-api/docs/rate-limits: input tokens only; a day's
	// requests begin at zero again at midnight Pacific time. The shape is not published
	// (inferred).
	{
		name: "gemini", aliases: []string{"google"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInput, Weights: Weights{Input: 1, CachedInput: 1, CacheWrite: 1}, Day: DayPacific},
	},
	// https://cloud.google.com/vertex-ai/generative-ai/docs/quotas: a shared quota
	// without fixed limits, so what is configured is the operator's own; counted by
	// input as for Gemini (inferred).
	{
		name: "vertex", aliases: []string{"vertex_ai", "vertex_ai_beta"},
		profile: Profile{Shape: Bucket, LearnShape: true, Admit: AdmitInput, Weights: Weights{Input: 1, CachedInput: 1, CacheWrite: 1}, Day: DayPacific},
	},
	// https://console.groq.com/docs/rate-limits: cached tokens do not count. Its
	// headers are those of a bucket; what is asked for at admission, with the
	// maximum of output, is inferred from its refusals.
	{
		name:    "groq",
		profile: Profile{Shape: Bucket, Admit: AdmitInputMax, Weights: Weights{Input: 1, CacheWrite: 1, Output: 1}},
	},
	// https://docs.mistral.ai/deployment/laplateforme/tier: tokens a minute. Fixed
	// minutes of the clock and one cost per call at its start are inferred from its
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
	// https://inference-docs.cerebras.ai/support/rate-limits: input estimate and
	// max_completion_tokens at the start; limits by minute, hour and day.
	{
		name:    "cerebras",
		profile: Profile{Admit: AdmitInputMax},
	},
}

// Preset returns the rule of a provider, named as LiteLLM does in front of a
// model or as [Names] lists it, in any case, for a model as the provider names
// it ("" = its common rule). False: the provider is not known, and the rule is
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
// that [Preset] takes; "" and false for one that is not known.
func Canonical(name string) (string, bool) {
	if p := find(name); p != nil {
		return p.name, true
	}
	return "", false
}

// Names returns the providers that Preset knows, in its order.
func Names() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return names
}

// burndown returns how many tokens a token of output counts for a model on
// Bedrock.
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
