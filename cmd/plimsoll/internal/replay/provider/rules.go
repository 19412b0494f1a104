package provider

import (
	"fmt"
	"strings"
)

// Kind is a rule by its name, and what the replay has to know of it.
type Kind struct {
	Name    string
	New     NewRule
	Headers Format // nil = responses have none
	// Enforces is false where the provider takes every call.
	Enforces bool
}

// Kinds are the rules that [KindNamed] knows.
var Kinds = []Kind{
	{"fixed", NewFixedMinute, OpenAIHeaders, true},
	{"fixed-unknown", NewFixedUnknown, OpenAIHeaders, true},
	{"bucket", NewBucket, OpenAIHeaders, true},
	{"azure10", NewAzure10, AzureHeaders, true},
	{"azure1", NewAzure1, AzureHeaders, true},
	{"sliding", NewSliding, OpenAIHeaders, true},
	{"softcap", NewSoftCap, nil, false},
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
