package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// A name is that of a group or alias, else it belongs to the longest pattern that it
// fits. All names of a pattern draw on the same limits, and hold no memory.
func TestPatterns(t *testing.T) {
	cfg := engine.Config{Aliases: map[string]string{
		"best": "openai/gpt-4o", "next": "openai/gpt-5", "openai/latest": "next", "other": "claude",
	}}
	for _, name := range []string{"*", "openai/*", "openai/gpt-*", "*-mini", "openai/gpt-4o"} {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "of " + name, Group: name, Limits: engine.Limits{RPM: 3}})
	}
	eng, err := engine.New(cfg)
	require.NoError(t, err)
	for name, want := range map[string][2]string{
		"openai/gpt-4o": {"openai/gpt-4o", ""}, "best": {"openai/gpt-4o", ""},
		"next": {"openai/gpt-*", "5"}, "openai/latest": {"openai/gpt-*", "5"}, "other": {"*", "claude"},
		"openai/gpt-5": {"openai/gpt-*", "5"}, "openai/o3": {"openai/*", "o3"}, "o4-mini": {"*-mini", "o4"},
		"claude": {"*", "claude"}, "openai/": {"*", "openai/"}, "openai/*": {"openai/*", ""}, "*": {"*", ""},
	} {
		g, err := eng.Group(name)
		require.NoError(t, err, name)
		require.Equal(t, want[0], g.Name(), name)
		wild, ok := g.Wildcard(name)
		require.Equal(t, want[1], wild, name)
		require.Equal(t, want[1] != "", ok, name)
	}
	for _, name := range []string{"", "claude-*", "openai/gpt-*x"} {
		_, err := eng.Group(name)
		require.ErrorIs(t, err, engine.ErrUnknownGroup, name)
	}
	admitted := 0
	for i := range 1000 {
		g, err := eng.Group(fmt.Sprintf("openai/gpt-%d", i))
		require.NoError(t, err)
		if _, err := g.Acquire(engine.Demand{}); err == nil {
			admitted++
		}
	}
	require.Equal(t, 3, admitted)
	require.Len(t, eng.AppendStates(nil), 5)

	require.NoError(t, eng.Apply(engine.Config{Deployments: cfg.Deployments[:1]}))
	g, err := eng.Group("openai/gpt-5")
	require.NoError(t, err)
	require.Equal(t, "*", g.Name())
	require.Error(t, eng.Apply(engine.Config{Deployments: cfg.Deployments[1:2], Aliases: map[string]string{"other": "claude"}}), "no pattern fits")
	require.NoError(t, eng.Apply(engine.Config{Deployments: cfg.Deployments[4:]}))
	_, err = eng.Group("openai/gpt-5")
	require.ErrorIs(t, err, engine.ErrUnknownGroup)
}

func ExampleWildcard() {
	model, ok := engine.Wildcard("openai/*", "openai/gpt-4o")
	fmt.Println(model, ok)
	_, ok = engine.Wildcard("openai/*", "claude")
	fmt.Println(ok)
	// Output:
	// gpt-4o true
	// false
}

func ExampleGroup_Wildcard() {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "openai", Group: "openai/*", Limits: engine.Limits{RPM: 300}}}})
	if err != nil {
		panic(err)
	}
	group, err := eng.Group("openai/gpt-4o")
	if err != nil {
		panic(err)
	}
	model, _ := group.Wildcard("openai/gpt-4o")
	fmt.Println(group.Name(), model)
	// Output: openai/* gpt-4o
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"*", "any", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "ba", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c", false},
		{"**", "x", true},
		{"a**b", "ab", true},
		{"*ab", "aab", true},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, engine.Matches(tt.pattern, tt.name), "%q, %q", tt.pattern, tt.name)
	}
}

func ExampleMatches() {
	fmt.Println(engine.Matches("team-*/gpt-*", "team-a/gpt-4o"), engine.Matches("team-*/gpt-*", "team-a/claude"))
	// Output: true false
}
