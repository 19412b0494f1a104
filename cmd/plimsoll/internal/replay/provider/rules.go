package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	engineprovider "github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Kind is a rule by its name, and what the replay has to know of it.
type Kind struct {
	Name    string
	New     NewRule
	Headers Format // nil = responses have none
	Vendor  string // whose format that is, as package engine/provider names it; "" = nobody's
	// Enforces is false where the provider takes every call.
	Enforces bool
	// Reserves says that a call is charged the most that its answer may be long
	// instead of its length.
	Reserves bool
	// Profile is what a router is told of the rule.
	Profile engineprovider.Profile
}

// Charged returns what a call is charged from its beginning to its end, in
// tokens.
func (k Kind) Charged(r trace.Request) int64 {
	if k.Reserves {
		return r.Input + r.MaxOutput
	}
	return r.Tokens()
}

// Kinds are the rules that [KindNamed] knows.
var Kinds = []Kind{
	{
		Name: "fixed", New: NewFixedMinute, Headers: OpenAIHeaders, Vendor: "openai", Enforces: true,
		Profile: engineprovider.Profile{Admit: engineprovider.AdmitInput},
	},
	{
		Name: "fixed-unknown", New: NewFixedUnknown, Headers: OpenAIHeaders, Vendor: "openai", Enforces: true,
		Profile: engineprovider.Profile{Admit: engineprovider.AdmitInput, LearnPhase: true},
	},
	{
		Name: "bucket", New: NewBucket, Headers: OpenAIHeaders, Vendor: "openai", Enforces: true,
		Profile: engineprovider.Profile{Shape: engineprovider.Bucket, Admit: engineprovider.AdmitInput},
	},
	{
		Name: "azure10", New: NewAzure10, Headers: AzureHeaders, Vendor: "azure", Enforces: true, Reserves: true,
		Profile: azureProfile(10 * time.Second),
	},
	{
		Name: "azure1", New: NewAzure1, Headers: AzureHeaders, Vendor: "azure", Enforces: true, Reserves: true,
		Profile: azureProfile(time.Second),
	},
	{ // no profile has this rule: a router takes a bucket for it
		Name: "sliding", New: NewSliding, Headers: OpenAIHeaders, Vendor: "openai", Enforces: true,
		Profile: engineprovider.Profile{Shape: engineprovider.Bucket, Admit: engineprovider.AdmitInput},
	},
	{Name: "softcap", New: NewSoftCap},
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
