package api_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func get(t *testing.T, s *service, path string) fields {
	t.Helper()
	got := s.do("GET", path, "")
	require.Equal(t, 200, got.status, got.body)
	var out fields
	require.NoError(t, json.Unmarshal([]byte(got.body), &out))
	return out
}

func TestStates(t *testing.T) {
	s := newService(t)
	post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":50,"tags":["eu"]}`, 200)
	all := get(t, s, "/v1/deployments")["deployments"].([]any)
	require.Len(t, all, len(deployments))
	group := get(t, s, "/v1/groups/talk")
	require.Equal(t, "chat", group["group"])
	chat := group["deployments"].([]any)
	require.Len(t, chat, 2)
	require.Subset(t, chat[0], fields{
		"id": "east", "model": "gpt-4o", "requests": 1.0, "request_limit": 10.0, "tokens": 150.0, "token_limit": 1000.0,
		"held_tokens": 150.0, "in_flight": 1.0, "utilization": 0.15, "enabled": true,
	})
}

func TestExplain(t *testing.T) {
	s := newService(t)
	x := get(t, s, "/v1/explain?group=chat&input_tokens=900&output_tokens=-1&exclude=west&tags=eu&affinity=a")
	require.Equal(t, []any{"east"}, x["acquire"])
	require.Nil(t, x["error"])
	c := x["candidates"].([]any)
	require.Equal(t, "excluded", c[1].(fields)["skipped"])
	x = get(t, s, "/v1/explain?group=chat&input_tokens=5000&output_tokens=-1")
	require.Equal(t, "never_fits", x["error"].(fields)["type"])
	require.Zero(t, s.engine.Stats().Admitted)
}

func TestBatch(t *testing.T) {
	s := newService(t)
	got := post[struct {
		Results []struct {
			Status int
			Body   fields
		}
	}](t, s, "/v1/acquire/batch", `{"requests":[{"group":"chat"},{"group":"none"},{"group":"single"},{"group":"single"}]}`, 200).Results
	var statuses []int
	for _, r := range got {
		statuses = append(statuses, r.Status)
	}
	require.Equal(t, []int{200, 404, 200, 429}, statuses)
	require.NotEmpty(t, got[0].Body["lease"])
	require.Equal(t, "unknown_group", got[1].Body["error"].(fields)["type"])
	require.EqualValues(t, 2, s.LeaseStats().Held)
	a, b := got[0].Body["lease"].(string), got[2].Body["lease"].(string)
	post[fields](t, s, "/v1/settle/batch", `{"requests":[{"lease":"`+a+`","usage":{"input_tokens":5}},{"lease":"`+a+`"},{"lease":"`+b+`"}]}`, 200)
	require.Zero(t, s.LeaseStats().Held)
}

// A refusal names every candidate, up to a bound, which is lower in a batch.
func TestRefusalNamesAllCandidates(t *testing.T) {
	const excluded = "dep-7"
	many := make([]engine.Deployment, api.MaxStates+10)
	for i := range many {
		many[i] = engine.Deployment{ID: "dep-" + strconv.Itoa(i), Group: "chat", Limits: engine.Limits{RPM: 1}}
		if i >= 100 {
			many[i].Group = "large"
		}
	}
	s := serviceOf(t, engine.Config{Deployments: many})
	for _, d := range many {
		post[fields](t, s, "/v1/precheck", `{"deployment":"`+d.ID+`"}`, 200)
	}
	refused := post[fields](t, s, "/v1/acquire", `{"group":"chat","exclude":["`+excluded+`"]}`, 429)["error"].(fields)
	require.EqualValues(t, 99, refused["candidates"])
	states := refused["states"].([]any)
	require.Len(t, states, 99)
	seen := map[any]bool{}
	for _, st := range states {
		seen[st.(fields)["id"]] = true
		require.EqualValues(t, 1, st.(fields)["requests"])
	}
	require.Len(t, seen, 99)
	require.False(t, seen[excluded])
	require.Len(t, post[fields](t, s, "/v1/pick", `{"group":"chat"}`, 429)["error"].(fields)["states"], 100)

	for i := range 95 { // more candidates than a refusal names
		many[i].Group = "large"
	}
	require.NoError(t, s.engine.Apply(engine.Config{Deployments: many}))
	refused = post[fields](t, s, "/v1/acquire", `{"group":"large"}`, 429)["error"].(fields)
	require.EqualValues(t, len(many)-5, refused["candidates"])
	require.Len(t, refused["states"], api.MaxStates)
	results := post[fields](t, s, "/v1/acquire/batch", `{"requests":[{"group":"large"}]}`, 200)["results"].([]any)
	inBatch := results[0].(fields)["body"].(fields)["error"].(fields)
	require.EqualValues(t, len(many)-5, inBatch["candidates"])
	require.NotContains(t, inBatch, "states")
}
