package replay_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// policyAt makes a policy whose time is *now.
func policyAt(t *testing.T, newPolicy replay.NewPolicy, now *time.Time, pool ...provider.Deployment) replay.Policy {
	t.Helper()
	p, err := newPolicy(pool, func() time.Time { return *now }, 1)
	require.NoError(t, err)
	return p
}

// chosen admits a call of 10 tokens and returns where it went.
func chosen(t *testing.T, p replay.Policy, tried ...int) replay.Attempt {
	t.Helper()
	a, ok := p.Admit(trace.Request{Input: 10, Output: 90}, tried)
	require.True(t, ok)
	require.NotContains(t, tried, a.Deployment())
	require.Equal(t, int64(10), a.Reserved())
	return a
}

func TestRoundRobin(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.RoundRobin, &now, make([]provider.Deployment, 3)...)
	var got []int
	for range 4 {
		got = append(got, chosen(t, p).Deployment())
	}
	got = append(got, chosen(t, p, 1).Deployment(), chosen(t, p, 2, 0).Deployment(), chosen(t, p).Deployment())
	require.Equal(t, []int{0, 1, 2, 0, 2, 1, 2}, got)
	_, ok := p.Admit(trace.Request{}, []int{0, 1, 2})
	require.False(t, ok)
}

func TestRandomGoesByTPM(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.Random, &now, provider.Deployment{TPM: 100}, provider.Deployment{TPM: 300},
		provider.Deployment{TPM: engine.Blocked}, provider.Deployment{})
	counts := make([]int, 4)
	for range 7000 {
		counts[chosen(t, p).Deployment()]++
	}
	require.InDelta(t, 1000, counts[0], 150)
	require.InDelta(t, 3000, counts[1], 250)
	require.Zero(t, counts[2])
	require.InDelta(t, 3000, counts[3], 250) // without a limit it counts like the largest

	clear(counts)
	for range 400 {
		counts[chosen(t, p, 3, 1).Deployment()]++
	}
	require.Equal(t, []int{400, 0, 0, 0}, counts)
	_, ok := p.Admit(trace.Request{}, []int{0, 1, 3})
	require.False(t, ok)
}

func TestLeastInFlight(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.LeastInFlight, &now, make([]provider.Deployment, 3)...)
	seen := map[int]replay.Attempt{}
	for range 3 {
		a := chosen(t, p)
		seen[a.Deployment()] = a
	}
	require.Len(t, seen, 3)
	seen[1].Served(trace.Request{})
	require.Equal(t, 1, chosen(t, p).Deployment())
	seen[2].Refused(time.Second)
	require.Equal(t, 2, chosen(t, p).Deployment())
	require.Equal(t, 0, chosen(t, p, 1, 2).Deployment())
	_, ok := p.Admit(trace.Request{}, []int{0, 1, 2})
	require.False(t, ok)

	// Equals are drawn evenly.
	counts := make([]int, 3)
	for range 3000 {
		a := chosen(t, policyAt(t, replay.LeastInFlight, &now, make([]provider.Deployment, 3)...))
		counts[a.Deployment()]++
	}
	require.Equal(t, 3000, counts[0]+counts[1]+counts[2])
}

// LiteLLM books a call when it ends, so calls under way are not seen, and a
// refusal changes nothing but the count of requests.
func TestLiteLLM(t *testing.T) {
	now := replay.Start
	pool := []provider.Deployment{{ID: "a", RPM: 4, TPM: 100}, {ID: "b", TPM: 1000}}
	p := policyAt(t, replay.LiteLLM, &now, pool...)
	first := chosen(t, p, 1)
	chosen(t, p, 1)
	first.Served(trace.Request{Input: 10, Output: 40})
	require.Equal(t, 1, chosen(t, p).Deployment(), "a has 50 tokens, b none")

	// Of a's four requests the third is the last that is offered.
	chosen(t, p, 1).Refused(time.Minute)
	_, ok := p.Admit(trace.Request{Input: 10}, []int{1})
	require.False(t, ok)

	// Of a hundred tokens fifty are left, exactly.
	now = now.Add(time.Minute)
	chosen(t, p, 1).Served(trace.Request{Input: 10, Output: 40})
	_, ok = p.Admit(trace.Request{Input: 51}, []int{1})
	require.False(t, ok)
	_, ok = p.Admit(trace.Request{Input: 50}, []int{1})
	require.True(t, ok)
}

func TestLiteLLMBooksInTheMinuteOfTheEnd(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.LiteLLM, &now, provider.Deployment{ID: "a", TPM: 100})
	a := chosen(t, p)
	now = now.Add(time.Minute)
	a.Served(trace.Request{Input: 10, Output: 90})
	_, ok := p.Admit(trace.Request{Input: 1}, nil)
	require.False(t, ok)
}

func TestLiteLLMWithLimitsOfZero(t *testing.T) {
	now := replay.Start
	blocked := provider.Deployment{ID: "a", RPM: engine.Blocked}
	p := policyAt(t, replay.LiteLLM, &now, blocked)
	for range 2 {
		_, ok := p.Admit(trace.Request{Input: 1}, nil)
		require.False(t, ok)
	}
}

func TestCooldownLastsForTheRetryAfter(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.LiteLLMCooldown, &now, provider.Deployment{ID: "a"}, provider.Deployment{ID: "b"})
	chosen(t, p, 1).Refused(7 * time.Second)
	for range 20 {
		require.Equal(t, 1, chosen(t, p).Deployment())
	}
	_, ok := p.Admit(trace.Request{Input: 1}, []int{1})
	require.False(t, ok)
	now = now.Add(7*time.Second - 1)
	_, ok = p.Admit(trace.Request{Input: 1}, []int{1})
	require.False(t, ok)
	now = now.Add(1)
	require.Equal(t, 0, chosen(t, p, 1).Deployment())
}

func TestTheOnlyDeploymentIsNotCooledDown(t *testing.T) {
	now := replay.Start
	p := policyAt(t, replay.LiteLLMCooldown, &now, provider.Deployment{ID: "a"})
	chosen(t, p).Refused(7 * time.Second)
	chosen(t, p)
}
