package lab

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	engineprovider "github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// World is how the providers of a pool behave, and what their router is configured with.
// Worlds are values that nothing changes.
type World struct {
	Name  string
	Title string // one line for readers
	// Group is the row of [Goals] that judges the world; "" = it is reported only.
	Group string
	// Rule is how the providers count, by its name in package fuzz/rule.
	Rule string
	// Vendor is the provider's name for [engineprovider.Read].
	Vendor string
	// Profile is the profile of a router that is configured for the provider; Wrong is that
	// of one that is configured for another.
	Profile, Wrong engineprovider.Profile
	Headers        Headers
	// Network delays every message by 15 ms and an exponential time of 30 ms in the mean.
	Network bool
	// CountError is how far the provider's count of each prompt may differ from the usage it
	// reports, as a share of it; routers misjudge prompts by half of that.
	CountError float64
	// Skew is how far a deployment's counts of all prompts may differ from the usage it
	// reports, as a share of it, besides CountError.
	Skew float64
	// HeaderLoss is the share of answers without any headers about limits.
	HeaderLoss float64
	// Tenant is the share of the quota that other clients use, on three of ten deployments.
	Tenant float64
	// WrongLimits is by how much the configured limits of four deployments differ from the
	// real ones, as a share: two are too high, two too low.
	WrongLimits float64
	// Halve halves the real limits of three deployments for the middle third of the run.
	Halve  bool
	Faults Faults
	// Nodes share the traffic and exchange usage every 100 ms; 0 = one node alone.
	Nodes int
	// Mode is how the nodes keep limits together. With [syncer.Auto] calls wait for a grant
	// alone, as a gateway's do.
	Mode syncer.Mode
	// PerDay is the limit on the tokens of a day of three of ten deployments, as a share of
	// what their limits per minute allow in the time of the run; 0 = none.
	PerDay float64
	// Batch is the share of calls that are of the less important of two classes, which fills
	// 80 % of the limits; 0 = all are of one class.
	Batch float64
	// Cached is the share of a prompt that a deployment has in its cache when it served a
	// call of the same conversation in the last five minutes; 0 = there is no cache.
	Cached float64
	// Dear worlds, whose nodes ask the store in the middle of things, play a third of the traffic
	// where there are three kinds or more, see [Plan.cells].
	Dear bool
	// Margin is the router's, see [engine.Deployment.Margin].
	Margin float64
	// Wait is how long calls may wait for capacity; 0 = not at all.
	Wait time.Duration
	// OutputPart makes the limits on tokens per minute two, one on input and one on output,
	// which is that share of the sum; 0 = one limit on both.
	OutputPart float64
	// Pool are the deployments as they are configured; nil = the ten of all worlds.
	Pool []provider.Deployment
	// Soft is true where the limits are the operator's own: the provider accepts everything.
	Soft bool
}

// Headers is which headers about limits the answers carry.
type Headers uint8

// The headers. The zero value is all that the provider's dialect has.
const (
	AllHeaders     Headers = iota
	ResetOnRefusal         // resets only in refusals
	OnlyRetryAfter         // none except Retry-After in refusals
)

// Faults is how deployments fail.
type Faults uint8

// The faults. Each takes a fifth of the run.
const (
	NoFaults Faults = iota
	BrownOut        // two deployments fail half of their calls with status 500 or 529
	Dead            // one deployment does not answer: calls end by a timeout of 30 s
	Slow            // three deployments take ten times as long to the first token
)

// honest are the disturbances that every world has.
func honest(w World) World {
	w.Network, w.CountError, w.HeaderLoss = true, 0.1, 0.03
	return w
}

// preset returns the profile that the engine has for a provider.
func preset(name string) engineprovider.Profile {
	p, ok := engineprovider.Preset(name, "")
	if !ok {
		panic("no preset " + name)
	}
	return p
}

func minutes(learn bool) engineprovider.Profile {
	return engineprovider.Profile{Admit: engineprovider.AdmitInput, LearnPhase: learn}
}

func azureBy(slice time.Duration) engineprovider.Profile {
	p := preset("azure")
	p.RequestWindow = slice
	return p
}

// anthropicOutput is the limit on output as a share of both of Anthropic's limits: 400,000 of
// output beside 2,000,000 of input, as for Claude Sonnet in the fourth tier of
// https://platform.claude.com/docs/en/api/rate-limits.
const anthropicOutput = 1. / 6

// Worlds returns all worlds, in the order of reports.
func Worlds() []World {
	openai, azure, anthropic := preset("openai"), preset("azure"), preset("anthropic")
	list := []World{
		{Name: "fixed", Title: "minutes of UTC, known", Group: "fixed", Rule: "fixed", Vendor: "openai", Profile: minutes(false), Wrong: openai},
		{Name: "fixed-phase", Title: "minutes of a phase of their own, learned", Group: "phase", Rule: "fixed-unknown", Vendor: "openai", Profile: minutes(true), Wrong: openai},
		{Name: "openai", Title: "OpenAI: bucket, the larger of input and max_tokens", Group: "bucket", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure},
		{Name: "anthropic", Title: "Anthropic: buckets of input and of output", Group: "bucket", Rule: "anthropic", Vendor: "anthropic", Profile: anthropic, Wrong: azure, OutputPart: anthropicOutput},
		{Name: "bedrock", Title: "Bedrock: bucket, input and max_tokens, no headers", Group: "bucket", Rule: "bedrock", Vendor: "bedrock", Profile: preset("bedrock"), Wrong: azure},
		{Name: "bedrock-minute", Title: "Bedrock, if its quota is a minute", Rule: "bedrock-minute", Vendor: "bedrock", Profile: preset("bedrock"), Wrong: azure},
		{Name: "groq", Title: "Groq: bucket, input and max_tokens", Group: "bucket", Rule: "groq", Vendor: "groq", Profile: preset("groq"), Wrong: azure},
		{Name: "azure10", Title: "Azure: resets in every answer, requests by 10 s", Group: "azure", Rule: "azure", Vendor: "azure", Profile: azure, Wrong: openai},
		{Name: "azure1", Title: "Azure: resets only in refusals, requests by 1 s", Group: "azure", Rule: "azure-1s", Vendor: "azure", Profile: azureBy(time.Second), Wrong: openai, Headers: ResetOnRefusal},
		{Name: "azure-remaining", Title: "Azure: only the two remainders", Group: "azure-few", Rule: "azure-remaining", Vendor: "azure", Profile: azure, Wrong: openai},
		{Name: "azure-retry", Title: "Azure: only Retry-After", Group: "azure-few", Rule: "azure", Vendor: "azure", Profile: azure, Wrong: openai, Headers: OnlyRetryAfter},
		{Name: "azure-responses", Title: "Azure's Responses API: -1, -1, 0", Group: "azure-few", Rule: "azure-responses", Vendor: "azure", Profile: azure, Wrong: openai},
		{Name: "gemini", Title: "Gemini as a minute: input only, no headers", Group: "gemini", Rule: "gemini-minute", Vendor: "gemini", Profile: preset("gemini"), Wrong: openai},
		{Name: "gemini-bucket", Title: "Gemini, if its quota is a bucket", Rule: "gemini", Vendor: "gemini", Profile: preset("gemini"), Wrong: azure},
		{Name: "mistral", Title: "Mistral: minutes of UTC, one cost per call", Group: "fixed", Rule: "mistral", Vendor: "mistral", Profile: preset("mistral"), Wrong: openai},
		{Name: "cerebras", Title: "Cerebras: minutes, input and max_completion_tokens", Group: "fixed", Rule: "cerebras", Vendor: "cerebras", Profile: preset("cerebras"), Wrong: openai},
		{Name: "softcap", Title: "the operator's own caps, the provider takes all", Group: "soft", Rule: "softcap", Soft: true},
		{Name: "tenant-openai", Title: "OpenAI, others use 40 % of three deployments", Group: "disturbed", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, Tenant: 0.4},
		{Name: "tenant-azure", Title: "Azure, others use 40 % of three deployments", Group: "disturbed", Rule: "azure", Vendor: "azure", Profile: azure, Wrong: openai, Tenant: 0.4},
		{Name: "wrong-openai", Title: "OpenAI, limits of four deployments wrong by 30 %", Group: "disturbed", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, WrongLimits: 0.3},
		{Name: "wrong-azure", Title: "Azure, limits of four deployments wrong by 30 %", Group: "disturbed", Rule: "azure", Vendor: "azure", Profile: azure, Wrong: openai, WrongLimits: 0.3},
		{Name: "halved-openai", Title: "OpenAI, limits of three deployments halve for a while", Group: "disturbed", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, Halve: true},
		{Name: "halved-azure", Title: "Azure, limits of three deployments halve for a while", Group: "disturbed", Rule: "azure", Vendor: "azure", Profile: azure, Wrong: openai, Halve: true},
		{Name: "brownout", Title: "OpenAI, two deployments fail half of their calls for a while", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, Faults: BrownOut},
		{Name: "dead", Title: "OpenAI, one deployment hangs for a while", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, Faults: Dead},
		{Name: "slow", Title: "OpenAI, three deployments are slow for a while", Rule: "openai", Vendor: "openai", Profile: openai, Wrong: azure, Faults: Slow},
	}
	variant := func(of, prefix, title, group string, change func(*World)) {
		for _, w := range list {
			if w.Name == of {
				w.Name, w.Title, w.Group = prefix+of, w.Title+", "+title, group
				change(&w)
				list = append(list, w)
				return
			}
		}
	}
	for _, of := range []string{"fixed", "openai", "anthropic", "bedrock", "azure10"} {
		variant(of, "skew-", "each deployment counts prompts up to 10 % more or less than it reports", "disturbed", func(w *World) { w.Skew = 0.1 })
	}
	for _, of := range []string{"fixed", "fixed-phase", "openai", "azure10"} {
		variant(of, "nodes5-", "five nodes, margin 1 %", "nodes", func(w *World) { w.Nodes, w.Margin = 5, 0.01 })
	}
	for _, of := range []string{"fixed", "openai"} {
		variant(of, "auto5-", "five nodes in the mode auto, margin 1 %", "escrow", func(w *World) {
			w.Nodes, w.Mode, w.Margin, w.Wait, w.Dear = 5, syncer.Auto, 0.01, 2*time.Second, true
		})
	}
	for _, of := range []string{"fixed", "fixed-phase", "openai", "anthropic", "azure10", "azure1"} {
		variant(of, "wait-", "calls wait up to 10 s, margin 1 %", "wait", func(w *World) { w.Wait, w.Margin = 10*time.Second, 0.01 })
	}
	variant("fixed", "escrow5-", "five nodes that reserve in the store, calls wait up to 2 s", "escrow", func(w *World) { w.Nodes, w.Mode, w.Wait = 5, syncer.Escrow, 2*time.Second })
	variant("softcap", "margin-", "margin 5 %", "", func(w *World) { w.Margin = 0.05 })
	variant("cerebras", "days-", "three deployments have half of the run's tokens a day", "", func(w *World) { w.PerDay = 0.5 })
	for _, of := range []string{"fixed", "openai"} {
		variant(of, "classes-", "half of the calls are of a class that fills 80 %", "", func(w *World) { w.Batch = 0.5 })
	}
	for _, of := range []string{"anthropic", "groq"} {
		variant(of, "cache-", "80 % of a conversation's prompt are cached where its last call was", "", func(w *World) { w.Cached = 0.8 })
	}
	for i := range list {
		list[i] = honest(list[i])
	}
	return list
}

// WorldNamed returns the world of that name.
func WorldNamed(name string) (World, error) {
	var names []string
	for _, w := range Worlds() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return World{}, fmt.Errorf("unknown world %q; use one of %s", name, strings.Join(names, ", "))
}

// rule returns how the providers count. Two rules are those of a provider whose shape is
// not published, as minutes instead of buckets.
func (w *World) rule() rule.Rule {
	name, minute := strings.CutSuffix(w.Rule, "-minute")
	r, ok := rule.Named(name)
	if !ok {
		panic("no rule " + name)
	}
	if minute {
		r.Shape, r.Phased = rule.ShapeWindow, true
	}
	return r
}

// charged returns what a provider charges for a request from its beginning to its end.
func (w *World) charged(c rule.Call) rule.Charge { return w.rule().Charged(c) }

// needs returns how large a limit on all tokens must be for a charge: what it sums to, or,
// where input and output have limits of their own, what the fuller of the two needs.
func (w *World) needs(c rule.Charge) int64 {
	if w.OutputPart == 0 {
		return c.Input + c.Output
	}
	return int64(max(float64(c.Input)/(1-w.OutputPart), float64(c.Output)/w.OutputPart))
}

// limits returns the limits per minute of a deployment: those on input and output where it
// has them, else that on all tokens.
func limits(d provider.Deployment) rule.Limits {
	l := rule.Limits{RPM: d.RPM, InputTPM: d.Other.InputTPM, OutputTPM: d.Other.OutputTPM}
	if l.InputTPM == 0 && l.OutputTPM == 0 {
		l.TPM = d.TPM
	}
	return l
}

// tokens returns what limits allow in a minute.
func tokens(l rule.Limits) int64 { return l.TPM + l.InputTPM + l.OutputTPM }

// pool returns the deployments, as configured. TPM is the sum of the limits on input and
// output where they are two, for policies that know one limit only.
func (w *World) pool() []provider.Deployment {
	if w.Pool != nil {
		return w.Pool
	}
	p, err := provider.Pool("standard")
	if err != nil {
		panic(err)
	}
	for i := range p {
		if w.OutputPart > 0 {
			out := int64(math.Round(w.OutputPart * float64(p[i].TPM)))
			p[i].Other = rule.Limits{InputTPM: p[i].TPM - out, OutputTPM: out}
		}
	}
	return p
}
