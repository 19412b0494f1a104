package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// All names that fit a pattern draw on its limits, and answers say what the provider
// calls the model. A token names models: one for openai/* may not ask the pattern * for
// others.
func TestPatternsOfGroups(t *testing.T) {
	deployments := []engine.Deployment{{ID: "a", Group: "*", Model: "openai/*", Limits: engine.Limits{RPM: 2}}}
	s := serviceOf(t, engine.Config{Deployments: deployments})
	s.API.SetModels(deployments)
	who := &server.Token{Name: "who", Groups: server.Patterns{"gpt-*"}}
	status, got := s.as(t, who, "/v1/pick", `{"group":"gpt-4o"}`)
	require.Equal(t, 200, status)
	require.Equal(t, fields{"deployment": "a", "group": "*", "model": "openai/gpt-4o"}, got)
	status, _ = s.as(t, who, "/v1/pick", `{"group":"claude"}`)
	require.Equal(t, 403, status)
	_, got = s.as(t, nil, "/v1/acquire", `{"group":"gpt-4o-mini"}`)
	require.Equal(t, "openai/gpt-4o-mini", got["model"])
	status, _ = s.as(t, nil, "/v1/acquire", `{"group":"o3"}`)
	require.Equal(t, 200, status)
	status, _ = s.as(t, nil, "/v1/acquire", `{"group":"another"}`)
	require.Equal(t, 429, status)
}
