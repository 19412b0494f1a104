package replay

import (
	"fmt"
	"strings"
)

// Streams of the policies' random choices, so that no two policies draw the
// same numbers from one seed. The engine has stream 0.
const (
	streamLiteLLM = iota + 1
	streamRandom
	streamInFlight
	streamNodes
)

// EngineName is the name of the policy that a replay is about.
const EngineName = "engine"

// baselines are the policies it is compared with, in the order in which they
// are reported.
var baselines = []struct {
	name string
	make NewPolicy
}{
	{"litellm", LiteLLM},
	{"litellm+cooldown", LiteLLMCooldown},
	{"round-robin", RoundRobin},
	{"random", Random},
	{"least-in-flight", LeastInFlight},
}

// PolicyNames returns the names of all policies, the engine's first.
func PolicyNames() []string {
	names := []string{EngineName}
	for _, b := range baselines {
		names = append(names, b.name)
	}
	return names
}

// NodePolicyNames returns the names of the policies that several nodes can
// share, the engine's first.
func NodePolicyNames() []string { return []string{EngineName, baselines[0].name} }

// PolicyNamed returns the policy of that name: engine if it is [EngineName],
// otherwise one it is compared with.
func PolicyNamed(name string, engine NewPolicy) (NewPolicy, error) {
	if name == EngineName {
		return engine, nil
	}
	for _, b := range baselines {
		if b.name == name {
			return b.make, nil
		}
	}
	return nil, fmt.Errorf("unknown policy %q; use one of %s", name, strings.Join(PolicyNames(), ", "))
}
