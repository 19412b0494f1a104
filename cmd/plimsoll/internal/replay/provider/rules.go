package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	engineprovider "github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Kind is a rule by its name, and its properties for the replay.
type Kind struct {
	Name   string
	Rule   rule.Rule
	Vendor string // as package engine/provider names it; "" = its answers have no rate-limit headers
	// Enforces is false where the provider takes every call.
	Enforces bool
	// Profile is the rule as a router is configured for it.
	Profile engineprovider.Profile
}

// New opens an account.
func (k Kind) New(d Deployment) *Rule { return open(k.Rule, d) }

// Charge returns what a call is charged at admission, in tokens.
func (k Kind) Charge(r trace.Request) int64 {
	c := k.Rule.Admitted(call(r))
	return c.Input + c.Output
}

// Charged returns what a call is charged from its beginning to its end, in tokens.
func (k Kind) Charged(r trace.Request) int64 {
	c := k.Cost(r)
	return c.Input + c.Output
}

// Cost returns the same, input and output apart.
func (k Kind) Cost(r trace.Request) rule.Charge { return k.Rule.Charged(call(r)) }

// Kinds are the rules that [KindNamed] knows.
var Kinds = []Kind{
	kind("fixed", "fixed", "openai", engineprovider.Profile{Admit: engineprovider.AdmitInput}),
	kind("fixed-unknown", "fixed-unknown", "openai", engineprovider.Profile{Admit: engineprovider.AdmitInput, LearnPhase: true}),
	kind("bucket", "bucket", "openai", engineprovider.Profile{Shape: engineprovider.Bucket, Admit: engineprovider.AdmitInput}),
	kind("azure10", "azure", "azure", azureProfile(10*time.Second)),
	kind("azure1", "azure-1s", "azure", azureProfile(time.Second)),
	// No profile has this rule: a router takes a bucket for it.
	kind("sliding", "sliding", "openai", engineprovider.Profile{Shape: engineprovider.Bucket, Admit: engineprovider.AdmitInput}),
	kind("softcap", "softcap", "", engineprovider.Profile{}),
}

func kind(name, ruleName, vendor string, profile engineprovider.Profile) Kind {
	r := named(ruleName)
	return Kind{Name: name, Rule: r, Vendor: vendor, Enforces: !r.Unlimited, Profile: profile}
}

// OfProvider returns how a provider judges, by the name that package
// engine/provider has for it. An unknown provider has a bucket without headers.
func OfProvider(name string) Kind {
	if r, ok := rule.Named(name); ok && r.Source != "" {
		return Kind{Name: name, Rule: r, Vendor: name, Enforces: true}
	}
	return Kind{Name: "bucket", Rule: named("bucket"), Enforces: true}
}

// azureProfile is the preset for Azure, with requests judged per slice.
func azureProfile(slice time.Duration) engineprovider.Profile {
	p, _ := engineprovider.Preset("azure", "")
	p.RequestWindow = slice
	return p
}

// KindNamed returns the rule of that name.
func KindNamed(name string) (Kind, error) {
	var names []string
	for _, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("unknown rule %q; use one of %s", name, strings.Join(names, ", "))
}
