package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
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
