package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const threeGroups = `
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: k}}
  - {model_name: b, litellm_params: {model: openai/y, api_key: k}}
  - {model_name: "anthropic/*", litellm_params: {model: "anthropic/*", api_key: k}}
`

// Fallbacks, retries and the rule for tags stand in router_settings, or else in
// litellm_settings.
func TestLiteLLMRouting(t *testing.T) {
	f := mustParse(t, threeGroups+`
router_settings:
  fallbacks: [{a: [b, anthropic/claude]}, {a: [ignored]}]
  enable_tag_filtering: true
litellm_settings:
  fallbacks: [{b: [a]}]
  context_window_fallbacks: [{a: [b]}]
  default_fallbacks: [b]
  num_retries: 1
`)
	require.Equal(t, config.Routing{
		MaxAttempts: 2, Tags: config.TagsAny,
		Fallbacks:        map[string][]string{"a": {"b", "anthropic/claude"}, "*": {"b"}},
		ContextFallbacks: map[string][]string{"a": {"b"}},
	}, f.Routing)
	require.Empty(t, f.Undone)
	require.NotContains(t, messages(f.Warnings), "fallbacks")

	f = mustParse(t, threeGroups+"router_settings: {num_retries: '0', enable_tag_filtering: true, tag_filtering_match_any: false}")
	require.Equal(t, config.Routing{MaxAttempts: 1, Tags: config.TagsAll}, f.Routing)
	require.Equal(t, config.Routing{Tags: config.TagsIgnored}, mustParse(t, threeGroups).Routing)
}

// What cannot be a fallback is named with its line, and the rest holds.
func TestLiteLLMRoutingMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"fallbacks: 3":                            "f.yaml:6: router_settings.fallbacks: found 3; want a list such as [{GROUP: [OTHER]}]",
		"fallbacks: [3]":                          "f.yaml:6: router_settings.fallbacks: found 3; want a mapping",
		"fallbacks: [{a: 3}]":                     "f.yaml:6: router_settings.fallbacks.a: found 3; want a list of groups",
		"fallbacks: [{a: [3]}]":                   "f.yaml:6: router_settings.fallbacks.a: found 3; want the name of a group",
		"fallbacks: [{a: [{model: b, x: 1}]}]":    "f.yaml:6: router_settings.fallbacks.a: parameters of a fallback",
		"fallbacks: [{a: [nothing]}]":             "f.yaml:6: the fallbacks of \"a\" name \"nothing\", which is no group",
		"context_window_fallbacks: [{c: [a]}]":    "the context fallbacks of \"c\" have no effect",
		"num_retries: many":                       "f.yaml:6: router_settings.num_retries: found the text",
		"num_retries: -1":                         "f.yaml:6: router_settings.num_retries: found -1",
		"default_fallbacks: [nothing, b]":         "f.yaml:6: the fallbacks of \"*\" name \"nothing\"",
		"default_fallbacks: {a: b}":               "f.yaml:6: router_settings.default_fallbacks: found a mapping",
		"fallbacks: [{1: [a]}, {a: [b]}]":         "f.yaml:6: router_settings.fallbacks: a group is a whole number",
		"context_window_fallbacks: {a: [b, c]}":   "the context fallbacks of \"a\" name \"c\"",
		"fallbacks: [{a: [b]}, a, {b: []}, oops]": "f.yaml:6: the fallbacks of \"*\" name \"oops\"",
	} {
		f := mustParse(t, threeGroups+"router_settings: {"+text+"}")
		require.Contains(t, messages(f.Warnings), want, text)
	}
}

// A chain follows fallbacks of fallbacks, names no group twice, and ends.
func TestChain(t *testing.T) {
	r := config.Routing{
		Fallbacks:        map[string][]string{"a": {"b", "c"}, "b": {"a", "d"}, "c": {"e", "f", "g", "h"}, "*": {"a"}, "gpt": {"z"}, "alone": {}},
		ContextFallbacks: map[string][]string{"a": {"large"}, "large": {"larger", "a"}},
	}
	for _, c := range []struct {
		asked, group string
		large        bool
		want         []string
	}{
		{"a", "a", false, []string{"b", "d", "c", "e", "f"}},
		{"a", "a", true, []string{"large", "larger"}},
		{"b", "b", true, []string{"a", "c", "e", "f", "g"}},
		{"alias", "b", false, []string{"a", "c", "e", "f", "g"}},
		{"x", "x", false, []string{"a", "b", "d", "c", "e"}},
		{"openai/gpt", "openai/*", false, []string{"z", "a", "b", "d", "c"}},
		{"alone", "alone", false, nil},
	} {
		require.Equal(t, c.want, r.Chain(c.asked, c.group, c.large), c.asked)
	}
	require.Empty(t, (&config.Routing{}).Chain("a", "a", false))
}

// The own format says the same in its own form.
func TestOwnRouting(t *testing.T) {
	f := mustParse(t, `
deployments: [{id: a, group: a, pool: account}, {id: b, group: b, profile: {pool: account}}]
fallbacks: {a: [b], "*": [a]}
context_fallbacks: {b: [a]}
max_attempts: 5
request_tags: any
`)
	require.Equal(t, config.Routing{
		MaxAttempts: 5, Tags: config.TagsAny, Fallbacks: map[string][]string{"a": {"b"}, "*": {"a"}}, ContextFallbacks: map[string][]string{"b": {"a"}},
	}, f.Routing)
	require.Equal(t, "account", f.Engine.Deployments[0].Profile.Pool)
	require.Equal(t, "account", f.Engine.Deployments[1].Profile.Pool)
	require.Equal(t, config.TagsKnown, mustParse(t, "deployments: [{id: a, group: a}]\nrequest_tags: known").Routing.Tags)
	for text, want := range map[string]string{
		"fallbacks: [a]":      "fallbacks: found a list; want a mapping",
		"fallbacks: {a: b}":   "fallbacks.a: found the text",
		"fallbacks: {1: [a]}": "fallbacks: a key is a whole number",
		"max_attempts: 0":     "max_attempts: found 0; want a whole number from 1 to 100",
		"request_tags: some":  "request_tags: found the text",
	} {
		_, err := config.Parse("f.yaml", []byte("deployments: [{id: a, group: a}]\n"+text), config.Options{})
		require.ErrorContains(t, err, want)
	}
	_, err := config.Parse("f.yaml", []byte("deployments: [{id: a, group: a, pool: x, profile: {pool: y}}]"), config.Options{})
	require.ErrorContains(t, err, "f.yaml:1: deployments[0].pool: is \"x\", and profile.pool is \"y\"; give one of them")
}

// A check that the proxy does not do is listed with its line.
func TestPreCallChecks(t *testing.T) {
	f := mustParse(t, threeGroups+"router_settings: {optional_pre_call_checks: [session_affinity, responses_api_deployment_check, prompt_caching]}")
	require.Equal(t, "f.yaml:6: router_settings.optional_pre_call_checks: the check \"prompt_caching\"\n", messages(f.Undone))
}

// A name that is a word stays a name, though it is the value of a secret too.
func TestNamesAreShown(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
environment_variables: {KEY: local}
model_list:
  - {model_name: local, litellm_params: {model: openai/local, api_key: local}}
  - {model_name: local-large, litellm_params: {model: openai/x, api_key: os.environ/KEY}}
`), config.Options{})
	require.NoError(t, err)
	require.Equal(t, "local", f.Mask("local"))
	require.Equal(t, "local-large", f.Mask("local-large"))
	f, err = config.Parse("f.yaml", []byte("model_list: [{model_name: sk-0123456789, litellm_params: {model: openai/x, api_key: sk-0123456789}}]"), config.Options{})
	require.NoError(t, err)
	require.Equal(t, "(hidden)", f.Mask("sk-0123456789"))
}

// Cooldowns are the deployment's, the router's, or those of litellm_settings.
func TestLiteLLMCooldowns(t *testing.T) {
	f := mustParse(t, `
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: k, cooldown_time: 7.5}}
  - {model_name: b, litellm_params: {model: openai/y, api_key: k}}
router_settings: {cooldown_time: 30}
litellm_settings: {allowed_fails: 3, cooldown_time: 60}
`)
	require.Equal(t, 7500*time.Millisecond, f.Engine.Deployments[0].Cooldown)
	require.Equal(t, 30*time.Second, f.Engine.Deployments[1].Cooldown)
	require.Equal(t, 4, f.Engine.Deployments[1].Failures)
	require.Empty(t, f.Undone)
	require.Contains(t, messages(mustParse(t, threeGroups+"router_settings: {allowed_fails: many}").Warnings), "f.yaml:6: router_settings.allowed_fails: found the text")
	own := mustParse(t, "deployments: [{id: a, group: a, failures: 3, cooldown: 1m}]")
	require.Equal(t, 3, own.Engine.Deployments[0].Failures)
	require.Equal(t, time.Minute, own.Engine.Deployments[0].Cooldown)
}

// least-busy is the engine's strategy of that name.
func TestLeastBusy(t *testing.T) {
	f := mustParse(t, threeGroups+"router_settings: {routing_strategy: least-busy}")
	require.Equal(t, engine.LeastBusy, f.Engine.Strategy)
	require.NotContains(t, messages(f.Warnings), "least-busy")
}
