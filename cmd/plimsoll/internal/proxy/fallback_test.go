package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// ownGroups puts each deployment into a group of its own: chat, second, third.
func ownGroups(c *engine.Config) {
	for i, name := range []string{"chat", "second", "third"}[:len(c.Deployments)-1] {
		c.Deployments[i].Group = name
	}
}

// A call goes to the fallbacks of its group, and theirs, and says where it was served.
func TestFallbacks(t *testing.T) {
	const tooLong = `{"error":{"code":"context_length_exceeded","message":"maximum context length is 10 tokens"}}`
	for name, c := range map[string]struct {
		routing config.Routing
		own     http.Handler
		status  int
		group   string
	}{
		"none":           {config.Routing{}, answers(500, `{}`), 500, "chat"},
		"of the group":   {config.Routing{Fallbacks: map[string][]string{"chat": {"third"}}}, answers(500, `{}`), 200, "third"},
		"of fallbacks":   {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}, "second": {"third"}}}, answers(500, `{}`), 200, "third"},
		"of all groups":  {config.Routing{Fallbacks: map[string][]string{"*": {"third"}}}, answers(429, `{}`), 200, "third"},
		"in a circle":    {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}, "second": {"chat"}}}, answers(500, `{}`), 500, "chat"},
		"by an alias":    {config.Routing{Fallbacks: map[string][]string{"chat": {"best"}}}, answers(500, `{}`), 200, "third"},
		"for the length": {config.Routing{Fallbacks: map[string][]string{"chat": {"second"}}, ContextFallbacks: map[string][]string{"chat": {"third"}}}, answers(400, tooLong), 200, "third"},
		"bad request":    {config.Routing{Fallbacks: map[string][]string{"chat": {"third"}}}, answers(400, `{"error":{"code":"invalid_value"}}`), 400, "chat"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{change: ownGroups, aliases: map[string]string{"best": "third"}}, c.own, answers(500, `{}`), answers(200, plain, "Content-Type", "application/json"))
			b.proxy.Route(c.routing)
			resp, body := b.post(t, chatPath, chat)
			require.Equal(t, c.status, resp.StatusCode, body)
			require.Equal(t, c.group, resp.Header.Get(transport.HeaderGroup))
			b.settled(t)
		})
	}
}

// LiteLLM's rule for tags chooses deployments; our own header stays strict.
func TestTagRules(t *testing.T) {
	tagged := func(c *engine.Config) {
		for i, tags := range [][]string{{"eu", "paid"}, {"us", "paid"}, {"default"}} {
			c.Deployments[i].Tags = tags
		}
	}
	const none = ""
	for _, c := range []struct {
		rule       config.TagRule
		tags, want string // of LiteLLM's header; the deployment, none = refused
	}{
		{config.TagsAny, "", "c"},
		{config.TagsAny, "us", "b"},
		{config.TagsAny, "us,nowhere", "b"},
		{config.TagsAny, "paid", "a"},
		{config.TagsAny, "spending-label", "c"},
		{config.TagsAny, "&paid,!eu", "b"},
		{config.TagsAny, "!paid", "c"},
		{config.TagsAny, "!default", none},
		{config.TagsAny, "&paid", "a"},
		{config.TagsAny, "&paid,&default", none},
		{config.TagsAll, "us,paid", "b"},
		{config.TagsAll, "us,eu", none},
		{config.TagsAll, "us,nowhere", none},
		{config.TagsAll, "nowhere", "c"},
		{config.TagsKnown, "", "a"},
		{config.TagsKnown, "us,nowhere", "b"},
		{config.TagsIgnored, "us", "a"},
	} {
		b := newBench(t, change{change: tagged}, answers(200, plain), answers(200, plain), answers(200, plain))
		b.proxy.Route(config.Routing{Tags: c.rule})
		resp, body := b.post(t, chatPath, chat, "X-Litellm-Tags", c.tags)
		require.Equal(t, c.want, resp.Header.Get(transport.HeaderDeployment), "%s %q: %s", c.rule, c.tags, body)
		if c.want == none {
			require.Equal(t, 400, resp.StatusCode)
		}
		resp, _ = b.post(t, chatPath, strings.Replace(chat, "{", `{"metadata":{"tags":["us"]},`, 1), "X-Plimsoll-Tags", "us")
		require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
	}
}

// The number of retries is the file's.
func TestMaxAttempts(t *testing.T) {
	b := newBench(t, change{}, answers(429, `{}`), answers(200, plain))
	b.proxy.Route(config.Routing{MaxAttempts: 1})
	resp, _ := b.post(t, chatPath, chat)
	require.Equal(t, 429, resp.StatusCode)
	b.proxy.Route(config.Routing{MaxAttempts: 2})
	b = newBench(t, change{}, answers(429, `{}`), answers(200, plain))
	resp, _ = b.post(t, chatPath, chat)
	require.Equal(t, 200, resp.StatusCode)
}
