package rule

import (
	"strings"
	"time"
)

// Rule is how one provider counts. The zero Rule counts requests and input at
// admission and output when a call ends, in minutes of UTC.
type Rule struct {
	Name   string // the provider, or the plain rule
	Source string // where the provider documents it; "" = a plain rule of no provider
	Shape  Shape  // of limits per minute
	// Phased is true where the minutes of an account begin at an instant of its own.
	Phased bool
	// Part makes the limit on requests hold in each part of a minute, in
	// proportion, at least one. 0 = none.
	Part time.Duration
	// Admit is the charge at admission; nil = the input.
	Admit func(Call) Charge
	// Stands is true where the charge at admission is final.
	Stands bool
	// End is what a call has cost in the end; nil = its input and output.
	End func(Call) Charge
	// CountsRefused is true where a refused call counts as a request.
	CountsRefused bool
	PacificDays   bool // days begin at midnight in Los Angeles
	Unlimited     bool // the provider has no limits
	Dialect       Dialect
}

// Shape is how usage of a minute expires.
type Shape uint8

// The shapes: see the types of the same names.
const (
	ShapeWindow Shape = iota
	ShapeBucket
	ShapeSliding
)

// Rules are the rules that [Named] knows. What a source does not say is inferred
// from recorded answers and marked so.
var Rules = []Rule{
	// Plain rules of no provider.
	{Name: "fixed"},
	{Name: "fixed-unknown", Phased: true},
	{Name: "bucket", Shape: ShapeBucket},
	{Name: "sliding", Shape: ShapeSliding},
	{Name: "softcap", Unlimited: true, Dialect: Silent},

	// The larger of max_tokens and the estimated prompt counts at admission; failed
	// requests count. Waits in refusals are those of a bucket.
	{
		Name: "openai", Source: "https://platform.openai.com/docs/guides/rate-limits",
		Shape: ShapeBucket, Admit: larger, CountsRefused: true,
	},
	// Prompt and max_tokens count at admission and are not corrected; the count is
	// reset each minute, not on the minute of UTC; requests are judged over 1 or
	// 10 s.
	azure("azure", 10*time.Second, Azure),
	azure("azure-1s", time.Second, Azure),
	azure("azure-remaining", 10*time.Second, AzureRemaining),
	azure("azure-responses", 10*time.Second, AzureResponses),
	// Input counts at admission, output as it is produced; cache reads do not count.
	{
		Name: "anthropic", Source: "https://platform.claude.com/docs/en/api/rate-limits",
		Shape: ShapeBucket, Admit: freshInput, End: withoutCached, Dialect: Anthropic,
	},
	// Input and max_tokens count at admission; input, cache writes and output times
	// the model's burndown rate in the end. The bucket is inferred.
	{
		Name: "bedrock", Source: "https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html",
		Shape: ShapeBucket, Admit: inputMax, End: burned, Dialect: Bedrock,
	},
	// Input and max_tokens are checked against the limit on input; output counts as
	// it is produced. The bucket is inferred.
	{
		Name: "bedrock-mantle", Source: "https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-mantle.html",
		Shape: ShapeBucket, Admit: maxAsInput, End: withoutCached, Dialect: Bedrock,
	},
	// Input only. The bucket is inferred.
	{
		Name: "gemini", Source: "https://ai.google.dev/gemini-api/docs/rate-limits",
		Shape: ShapeBucket, End: onlyInput, PacificDays: true, Dialect: Gemini,
	},
	// Dynamic shared quota: limits are the operator's own. Counting is inferred.
	{
		Name: "vertex", Source: "https://cloud.google.com/vertex-ai/generative-ai/docs/quotas",
		Shape: ShapeBucket, End: onlyInput, PacificDays: true, Dialect: Gemini,
	},
	// Cached tokens do not count. That the maximum of output counts at admission is
	// inferred from "Requested" in refusals.
	{
		Name: "groq", Source: "https://console.groq.com/docs/rate-limits",
		Shape: ShapeBucket, Admit: inputMax, End: withoutCached, Dialect: Groq,
	},
	// One cost per call at admission, in minutes of UTC: both are inferred from
	// headers.
	{
		Name: "mistral", Source: "https://docs.mistral.ai/deployment/laplateforme/tier",
		Admit: inputMax, Stands: true, Dialect: Mistral,
	},
	// Limits on calls; tokens count nothing.
	{
		Name: "cohere", Source: "https://docs.cohere.com/docs/rate-limits",
		Admit: nothing, Dialect: Cohere,
	},
	// Input and max_completion_tokens count at admission; limits per minute, hour and
	// day.
	{
		Name: "cerebras", Source: "https://inference-docs.cerebras.ai/support/rate-limits",
		Admit: inputMax, Dialect: Cerebras,
	},
}

func azure(name string, part time.Duration, dialect Dialect) Rule {
	return Rule{
		Name: name, Source: "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota",
		Phased: true, Part: part, Admit: inputMax, Stands: true, Dialect: dialect,
	}
}

// Named returns the rule of that name.
func Named(name string) (Rule, bool) {
	for _, r := range Rules {
		if r.Name == name {
			return r, true
		}
	}
	return Rule{}, false
}

// Charged returns what a call has cost once it has ended.
func (r Rule) Charged(c Call) Charge {
	switch {
	case r.Stands:
		return r.Admitted(c)
	case r.End != nil:
		return r.End(c)
	}
	return Charge{c.Input, c.Output}
}

// Admitted returns what a call is charged at admission.
func (r Rule) Admitted(c Call) Charge {
	if r.Admit == nil {
		return onlyInput(c)
	}
	return r.Admit(c)
}

func nothing(Call) Charge         { return Charge{} }
func onlyInput(c Call) Charge     { return Charge{Input: c.Input} }
func freshInput(c Call) Charge    { return Charge{Input: c.Input - c.Cached} }
func inputMax(c Call) Charge      { return Charge{c.Input, c.MaxOutput} }
func maxAsInput(c Call) Charge    { return Charge{Input: c.Input + c.MaxOutput} }
func larger(c Call) Charge        { return Charge{c.Input, max(c.MaxOutput-c.Input, 0)} }
func withoutCached(c Call) Charge { return Charge{c.Input - c.Cached, c.Output} }

func burned(c Call) Charge { return Charge{c.Input - c.Cached, c.Output * burndown(c.Model)} }

// burndown is the table of the burndown page, by the part of a model's name that
// shows its generation.
func burndown(model string) int64 {
	for _, row := range []struct {
		rate int64
		part string
	}{
		{15, "opus-4-8"},
		{15, "sonnet-4-8"},
		{15, "haiku-4-8"},
		{10, "sonnet-5"},
		{10, "opus-5"},
		{10, "fable-5-1"},
		{5, "claude-3-7"},
		{5, "sonnet-4"},
		{5, "opus-4"},
		{5, "haiku-4"},
	} {
		if strings.Contains(model, row.part) {
			return row.rate
		}
	}
	return 1
}
