package api_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// What a provider said of a lease's call is understood, and the lease is held
// until it is settled.
func TestObserveLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		lease := post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":1,"tags":["eu"]}`, 200)["lease"].(string)
		got := post[fields](t, s, "/v1/observe", `{"lease":"`+lease+`","provider":"openai","status":429,
			"headers":{"Retry-After":"7","X-RateLimit-Limit-Tokens":"1000","x-ratelimit-remaining-tokens":"0","x-ratelimit-reset-tokens":"6.5s"},
			"body":"{\"error\":{\"code\":\"rate_limit_exceeded\"}}"}`, 200)
		require.Equal(t, fields{
			"deployment": "east", "kind": "rate_limit", "retry_after_ms": 7000.0,
			"limits": []any{fields{"name": "tpm", "limit": 1000.0, "remaining": 0.0, "reset_ms": 6500.0}},
		}, got)
		require.Equal(t, 7*time.Second, s.state(t, "east").CoolingFor)
		require.EqualValues(t, 1, s.LeaseStats().Held)
		post[fields](t, s, "/v1/settle", `{"lease":"`+lease+`","usage":{}}`, 200)
		require.Zero(t, s.state(t, "east").Limit(engine.LimitRPM).Used, "a refused call is given back")

		no := post[fields](t, s, "/v1/observe", `{"lease":"`+lease+`","status":200}`, 409)["error"].(fields)
		require.Equal(t, "lease_ended", no["type"])
	})
}

func TestObserveDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(t, engine.Config{Deployments: []engine.Deployment{
			{ID: "claude", Group: "chat", Model: "anthropic/claude-sonnet", Limits: engine.Limits{TPM: 1000}}, {ID: "other", Group: "chat"},
		}})
		// Only Anthropic reports its spend limit in these words. The model's name identifies the provider.
		got := post[fields](t, s, "/v1/observe", `{"deployment":"claude","status":429,"body":"{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"you have reached your usage limit\"}}"}`, 200)
		require.Equal(t, fields{"deployment": "claude", "kind": "no_money", "limits": []any{}}, got)
		cooling := s.state(t, "claude").CoolingFor // a client's word, and no time of the provider's
		require.Greater(t, cooling, 59*time.Second)
		require.LessOrEqual(t, cooling, time.Minute)
		require.Equal(t, "fine", post[fields](t, s, "/v1/observe", `{"deployment":"other","status":200}`, 200)["kind"])
		results := post[fields](t, s, "/v1/observe/batch", `{"requests":[{"deployment":"other","status":529},{"deployment":"none","status":200}]}`, 200)["results"].([]any)
		require.Equal(t, "overloaded", results[0].(fields)["body"].(fields)["kind"])
		require.EqualValues(t, 404, results[1].(fields)["status"])
	})
}

func TestObserveBadBodies(t *testing.T) {
	s := newService(t)
	for body, message := range map[string]string{
		`{"status":200}`: "deployment: is missing; name the deployment that answered, or the lease of its call",
		`{"deployment":"east","lease":"l","status":200}`:                      "lease: and deployment exclude each other; leave one out",
		`{"deployment":"east"}`:                                               "status: is 0; want the HTTP status of the answer, 100 to 599",
		`{"deployment":"east","status":99}`:                                   "status: is 99; want the HTTP status of the answer, 100 to 599",
		`{"deployment":"east","status":"429"}`:                                "status: is a text; want a whole number",
		`{"deployment":"east","status":200,"headers":{"a":["b"]}}`:            "headers.a: is a list; want a text",
		`{"deployment":"east","status":200,"body":{}}`:                        "body: is an object; want a text",
		`{"deployment":"east","status":200,"headers":{` + headers(501) + `}}`: "headers: lists too many values; at most 500",
	} {
		require.Equal(t, message, post[fields](t, s, "/v1/observe", body, 400)["error"].(fields)["message"])
	}
}

func headers(n int) string {
	var list []string
	for i := range n {
		list = append(list, `"h`+strings.Repeat("x", i)+`":""`)
	}
	return strings.Join(list, ",")
}

// A lease is observed and settled at the same time: it ends once, and nothing is
// observed of it afterwards.
func TestObserveWhileSettling(t *testing.T) {
	s := serviceOf(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}}})
	var ended, observed atomic.Int64
	for range 200 {
		lease := post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":10,"output_tokens":-1}`, 200)["lease"].(string)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if got := s.do("POST", "/v1/settle", `{"lease":"`+lease+`","usage":{"input_tokens":7}}`); !strings.Contains(got.body, "repeated") {
					ended.Add(1)
				}
			})
			wg.Go(func() {
				switch got := s.do("POST", "/v1/observe", `{"lease":"`+lease+`","status":200}`); got.status {
				case 200:
					observed.Add(1)
				case 409:
				default:
					t.Error(got.body)
				}
			})
		}
		wg.Wait()
	}
	require.EqualValues(t, 200, ended.Load())
	t.Logf("%d of 400 were observed in time", observed.Load())
	require.EqualValues(t, []int64{1400, 0}, []int64{s.engine.Stats().Tokens, s.LeaseStats().Held})
}
