package lab

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
)

// PolicyKind is a policy by its name.
type PolicyKind struct {
	Name   string
	Title  string
	New    NewPolicy
	Bound  bool // a clairvoyant: it sees everything
	Pooled bool // it sees one deployment with the limits of all
	Waits  bool // its calls wait in worlds whose calls may
}

// Names of policies that reports mention.
const (
	OursName    = "ours"
	UnknownName = "ours-unknown"
	WrongName   = "ours-wrong"
	LiteLLMName = "litellm+cooldown"
)

// Policies are all policies except the bounds, in the order of reports.
var Policies = []PolicyKind{
	{Name: OursName, Title: "the engine, configured for the provider", New: ours(configured), Waits: true},
	{Name: UnknownName, Title: "the engine, provider not configured", New: ours(unknown), Waits: true},
	{Name: WrongName, Title: "the engine, configured for another provider", New: ours(wrong), Waits: true},
	{Name: LiteLLMName, Title: "usage-based-routing-v2 and its router's cooldown", New: baseline(replay.LiteLLMCooldown, true)},
	{Name: "litellm", Title: "usage-based-routing-v2 alone", New: baseline(replay.LiteLLM, false)},
	{Name: "simple-shuffle+cooldown", Title: "weighted random with a cooldown", New: baseline(replay.Random, true)},
	{Name: "adaptive-weights", Title: "weights that follow refusals, as Bifrost has", New: newAdaptive},
	{Name: "random", Title: "weighted random", New: baseline(replay.Random, false)},
	{Name: "round-robin", Title: "one after the other", New: baseline(replay.RoundRobin, false)},
	{Name: "least-in-flight", Title: "fewest calls in flight", New: baseline(replay.LeastInFlight, false)},
	{Name: "power-of-two", Title: "of two drawn, the one with fewer calls in flight for its TPM", New: newTwoChoices},
}

// Bounds are the greedy clairvoyants where providers enforce limits.
var Bounds = bounds()

func bounds() (list []PolicyKind) {
	for _, c := range replay.Greedy {
		list = append(list, PolicyKind{Name: "clairvoyant: " + c.Name, Bound: true, Pooled: c.Pooled, New: clairvoyant(c.Sight, 0)})
	}
	return list
}

// WaitingBound is the clairvoyant whose calls may wait for ten seconds.
var WaitingBound = PolicyKind{Name: "clairvoyant: waits 10 s", Bound: true, New: clairvoyant(replay.LowestWithOwnSize, 10*time.Second)}

// SoftBound is the clairvoyant of the operator's own caps.
var SoftBound = PolicyKind{Name: "clairvoyant: soft caps", Bound: true, New: newSoftSight}

// bounds returns the clairvoyants of a world.
func (w *World) bounds() []PolicyKind {
	switch {
	case w.Soft:
		return []PolicyKind{SoftBound}
	case w.Wait > 0:
		return append([]PolicyKind{WaitingBound}, Bounds...)
	}
	return Bounds
}

// PolicyNamed returns the policy of that name.
func PolicyNamed(name string) (PolicyKind, error) {
	var names []string
	for _, p := range Policies {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return PolicyKind{}, fmt.Errorf("unknown policy %q; use one of %s", name, strings.Join(names, ", "))
}
