package transport

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// An endpoint's defaults are added where the body does not have them, under the
// names of the operation.
func TestDefaults(t *testing.T) {
	ep := Endpoint{Model: "m", Defaults: map[string]json.RawMessage{
		"temperature": json.RawMessage("0.2"), "max_tokens": json.RawMessage("100"), "reasoning_effort": json.RawMessage(`"low"`),
		"dimensions": json.RawMessage("256"), "stop": json.RawMessage(`["x"]`), "chat_template_kwargs": json.RawMessage(`{"a":1}`),
	}}
	p := &place{Endpoint: ep, quoted: wire.Quote(ep.Model), defaults: newDefaults(ep.Defaults)}
	for _, tt := range []struct {
		op         operation
		body, want string
	}{
		{chat, `{"model":"g"}`, `{"model":"m","temperature":0.2,"max_tokens":100,"reasoning_effort":"low","stop":["x"],"chat_template_kwargs":{"a":1}}`},
		{chat, `{"model":"g","temperature":1,"max_completion_tokens":5,"stop":null}`, `{"model":"m","temperature":1,"max_completion_tokens":5,"stop":null,"reasoning_effort":"low","chat_template_kwargs":{"a":1}}`},
		{responses, `{"model":"g"}`, `{"model":"m","temperature":0.2,"max_output_tokens":100,"reasoning":{"effort":"low"},"chat_template_kwargs":{"a":1}}`},
		{embeddings, `{"model":"g"}`, `{"model":"m","dimensions":256,"chat_template_kwargs":{"a":1}}`},
	} {
		q := &request{op: tt.op}
		var err error
		q.body, err = wire.Parse([]byte(tt.body), decisive)
		require.NoError(t, err)
		require.JSONEq(t, tt.want, string(bytes.Join(q.rewritten(p), nil)), tt.body)
	}
}

func TestDefaultsAreValidated(t *testing.T) {
	var p problems
	ep := Endpoint{
		API: OpenAI, BaseURL: "https://h/v1",
		Defaults: map[string]json.RawMessage{"model": json.RawMessage(`"x"`), "temperature": json.RawMessage("{")},
		Headers:  http.Header{"Authorization": {"Bearer x"}},
	}
	ep.validate(&p, "Endpoints[\"a\"]")
	require.Len(t, p, 3)
	for _, err := range p {
		require.NotContains(t, err.Error(), "Bearer x")
	}
}

func TestEndpointHeaders(t *testing.T) {
	p := &place{Endpoint: Endpoint{Headers: http.Header{"x-custom": {"ours"}, "Anthropic-Beta": {"ours"}}}}
	h := http.Header{"Anthropic-Beta": {"theirs"}}
	p.addHeaders(h)
	require.Equal(t, http.Header{"Anthropic-Beta": {"theirs"}, "X-Custom": {"ours"}}, h)
}

// The longest pattern that a name fits is its group, and the endpoint's model has what
// the asterisk stands for.
func TestPatterns(t *testing.T) {
	p := &place{Endpoint: Endpoint{API: Azure, Model: "dep-*", APIVersion: "v"}, base: &url.URL{Scheme: "https", Host: "h"}}
	q := &request{op: chat, wild: "4o"}
	require.Equal(t, "dep-4o", p.model(q))
	require.Contains(t, p.url(q.op, p.model(q), &url.URL{}).Path, "/deployments/dep-4o/")
	require.Equal(t, "dep-*", p.model(&request{}))
}
