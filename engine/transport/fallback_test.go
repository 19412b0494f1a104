package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// fallbacks puts each deployment of a bench into a group of its own, "group-a" and so
// on; what adjust says of a request holds.
func fallbacks(t *testing.T, limits engine.Limits, adjust func(*transport.Admission), handlers ...http.Handler) *bench {
	t.Helper()
	b := newBench(t, change{edit: func(c *transport.Config) {
		c.Adjust = func(_ *http.Request, a *transport.Admission) error { adjust(a); return nil }
	}}, handlers...)
	cfg := engine.Config{}
	for i := range handlers {
		id := string(rune('a' + i))
		d := engine.Deployment{ID: id, Group: "group-" + id}
		if i == 0 {
			d.Limits = limits
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	require.NoError(t, b.eng.Apply(cfg))
	tr := b.client.Transport.(*transport.Transport)
	endpoints := map[string]transport.Endpoint{}
	for _, id := range []string{"a", "b", "c"}[:len(handlers)] {
		endpoints[id] = transport.Endpoint{API: transport.OpenAI, BaseURL: b.urls[id] + "/v1", Credential: transport.Key(secret)}
	}
	require.NoError(t, tr.Apply(endpoints))
	return b
}

// ask sends a chat to group-a and returns the status, the group that answered and the
// answer.
func (b *bench) ask(t *testing.T) (status int, group, text string) {
	t.Helper()
	resp, text := b.post(t, "/chat/completions", `{"model":"group-a","messages":[{"role":"user","content":"Hello"}]}`)
	return resp.StatusCode, resp.Header.Get(transport.HeaderGroup), text
}

// A request that its own group cannot serve goes to the fallbacks in turn, whatever the
// reason, unless the fault is its own.
func TestFallbacks(t *testing.T) {
	const tooLong = `{"error":{"code":"context_length_exceeded","message":"maximum context length is 10 tokens"}}`
	to := func(names ...string) (list []transport.Fallback) {
		for _, name := range names {
			list = append(list, transport.Fallback{Group: name})
		}
		return list
	}
	for name, c := range map[string]struct {
		own, second   http.Handler
		limits        engine.Limits
		plain, larger []transport.Fallback
		status        int
		group         string
	}{
		"an error":               {answers(500, `{}`), &fake.Provider{}, engine.Limits{}, to("group-b"), nil, 200, "group-b"},
		"a refusal":              {answers(429, `{}`), &fake.Provider{}, engine.Limits{}, to("group-b"), nil, 200, "group-b"},
		"a dead key":             {answers(401, `{}`), &fake.Provider{}, engine.Limits{}, to("group-b"), nil, 200, "group-b"},
		"no headroom":            {&fake.Provider{}, &fake.Provider{}, engine.Limits{RPM: -1}, to("group-b"), nil, 200, "group-b"},
		"never fits":             {&fake.Provider{}, &fake.Provider{}, engine.Limits{TPM: 1}, to("group-b"), nil, 200, "group-b"},
		"the second fails too":   {answers(500, `{}`), answers(500, `{}`), engine.Limits{}, to("group-b", "group-c"), nil, 200, "group-c"},
		"all fail":               {answers(500, `{"own":1}`), answers(503, `{}`), engine.Limits{}, to("group-b"), nil, 500, "group-a"},
		"itself and unknown":     {answers(500, `{"own":1}`), answers(503, `{}`), engine.Limits{}, to("group-a", "nothing", ""), nil, 500, "group-a"},
		"the request's fault":    {answers(400, `{"error":{"code":"invalid_value"}}`), &fake.Provider{}, engine.Limits{}, to("group-b"), nil, 400, "group-a"},
		"too long":               {answers(400, tooLong), answers(500, `{}`), engine.Limits{}, to("group-b"), to("group-c"), 200, "group-c"},
		"too long, plain ones":   {answers(400, tooLong), &fake.Provider{}, engine.Limits{}, to("group-b"), nil, 200, "group-b"},
		"no error is too long":   {answers(500, `{}`), &fake.Provider{}, engine.Limits{}, nil, to("group-b"), 500, "group-a"},
		"only the first at most": {answers(500, `{}`), answers(500, `{}`), engine.Limits{}, to("group-b", "group-b", "group-b", "group-b", "group-b", "group-c"), nil, 500, "group-a"},
	} {
		t.Run(name, func(t *testing.T) {
			b := fallbacks(t, c.limits, func(a *transport.Admission) { a.Fallbacks, a.Larger = c.plain, c.larger }, c.own, c.second, &fake.Provider{})
			status, group, text := b.ask(t)
			require.Equal(t, c.status, status, text)
			require.Equal(t, c.group, group)
			require.Zero(t, b.eng.Stats().Held)
		})
	}
}

// A fallback has tags and exclusions of its own.
func TestFallbackTags(t *testing.T) {
	b := fallbacks(t, engine.Limits{RPM: -1}, func(a *transport.Admission) {
		a.Demand.Tags = []string{"of the first group alone"}
		a.Fallbacks = []transport.Fallback{{Group: "group-b", Tags: []string{"nowhere"}}, {Group: "group-c"}}
	}, &fake.Provider{}, &fake.Provider{}, &fake.Provider{})
	status, group, _ := b.ask(t)
	require.Equal(t, 200, status)
	require.Equal(t, "group-c", group)
}

// An admission says how many deployments of a group are tried.
func TestAdmissionMaxAttempts(t *testing.T) {
	for most, want := range map[int]int{0: 3, 1: 1, 2: 2, 5: 5} {
		bad := answers(429, `{}`)
		b := spread(t, func(c *transport.Config) {
			c.Adjust = func(_ *http.Request, a *transport.Admission) error { a.MaxAttempts = most; return nil }
		}, bad, bad, bad, bad, bad)
		b.post(t, "/chat/completions", `{"model":"chat","messages":[]}`)
		require.Len(t, b.attempts(), want)
	}
}
