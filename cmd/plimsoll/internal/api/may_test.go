package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// as makes a request with a token.
func (s *service) as(t *testing.T, who *server.Token, path, body string) (int, fields) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest("GET", path, nil)
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(server.WithCaller(r.Context(), who)))
	var got fields
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
	return w.Code, got
}

// A token decides for its groups alone, whatever names them, and ends only the leases
// that it was given.
func TestTokensOfGroups(t *testing.T) {
	s := serviceOf(t, engine.Config{
		Deployments: []engine.Deployment{
			{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 100}}, {ID: "b", Group: "code", Limits: engine.Limits{RPM: 100}},
		},
		Aliases: map[string]string{"talk": "chat", "chatty": "code"}, PriorityShare: []float64{1, 0.5},
	})
	who := &server.Token{Name: "who", Groups: server.Patterns{"chat*"}, Tags: server.Patterns{"eu"}, Classes: []int{1}}
	other := &server.Token{Name: "other"}
	for _, tt := range []struct {
		path, body string
		status     int
	}{
		{"/v1/pick", `{"group":"chat","priority":1}`, 200},
		{"/v1/pick", `{"group":"talk","priority":1}`, 200},
		{"/v1/pick", `{"group":"chatty","priority":1}`, 403}, // an alias of another group
		{"/v1/pick", `{"group":"code","priority":1}`, 403},
		{"/v1/pick", `{"group":"none","priority":1}`, 403},
		{"/v1/pick", `{"group":"chat"}`, 403}, // class 0
		{"/v1/pick", `{"group":"chat","priority":1,"tags":["us"]}`, 403},
		{"/v1/acquire", `{"group":"code","priority":1,"wait_ms":10}`, 403},
		{"/v1/precheck", `{"deployment":"a","priority":1}`, 200},
		{"/v1/precheck", `{"deployment":"b","priority":1}`, 403},
		{"/v1/record", `{"deployment":"b","usage":{"input_tokens":1}}`, 403},
		{"/v1/observe", `{"deployment":"b","status":429}`, 403},
		{"/v1/observe", `{"deployment":"none","status":429}`, 403},
		{"/v1/observe", `{"deployment":"a","status":200}`, 200},
		{"/v1/groups/chat", "", 200},
		{"/v1/groups/code", "", 403},
		{"/v1/explain?group=code", "", 403},
	} {
		status, got := s.as(t, who, tt.path, tt.body)
		require.Equal(t, tt.status, status, "%s %s: %v", tt.path, tt.body, got)
	}
	_, all := s.as(t, who, "/v1/deployments", "")
	require.Len(t, all["deployments"], 1)
	_, results := s.as(t, who, "/v1/pick/batch", `{"requests":[{"group":"chat","priority":1},{"group":"code","priority":1}]}`)
	require.EqualValues(t, 403, results["results"].([]any)[1].(fields)["status"])

	_, lease := s.as(t, who, "/v1/acquire", `{"group":"chat","priority":1,"input_tokens":5}`)
	id := lease["lease"].(string)
	for _, path := range []string{"/v1/settle", "/v1/release"} {
		status, _ := s.as(t, other, path, `{"lease":"`+id+`"}`)
		require.Equal(t, 404, status)
	}
	status, _ := s.as(t, other, "/v1/observe", `{"lease":"`+id+`","status":429}`)
	require.Equal(t, 409, status)
	status, ended := s.as(t, who, "/v1/settle", `{"lease":"`+id+`"}`)
	require.Equal(t, 200, status)
	require.Equal(t, "a", ended["deployment"])
}

// What is held at once is bounded: bodies as they arrive, and large answers.
func TestHeldIsBounded(t *testing.T) {
	var many []engine.Deployment
	for i := range 200 {
		many = append(many, engine.Deployment{ID: strings.Repeat("d", 90) + string(rune('A'+i)), Group: "chat", Limits: engine.Limits{RPM: 1}})
	}
	s := serviceOf(t, engine.Config{Deployments: many}, func(c *api.Config) { c.MaxHeld = 20 << 10 })
	got := s.do("GET", "/v1/deployments", "")
	require.Equal(t, 503, got.status)
	require.Equal(t, "1", got.header.Get("Retry-After"))
	require.Contains(t, got.body, "too_much_held")
	got = s.do("POST", "/v1/pick", `{"group":"chat","affinity":"`+strings.Repeat("x", 30<<10)+`"}`)
	require.Equal(t, 503, got.status)
	require.Equal(t, 200, s.do("POST", "/v1/pick", `{"group":"chat"}`).status, "what was held is given back")
}
