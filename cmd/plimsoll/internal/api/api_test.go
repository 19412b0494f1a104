package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// service is an API over two groups, with what tests look at.
type service struct {
	*api.API
	engine *engine.Engine
	mux    *http.ServeMux
}

var deployments = []engine.Deployment{
	{ID: "east", Group: "chat", Model: "gpt-4o", Limits: engine.Limits{RPM: 10, TPM: 1000}, Tags: []string{"eu"}},
	{ID: "west", Group: "chat", Limits: engine.Limits{RPM: 10, TPM: 2000}},
	{ID: "off", Group: "idle", Disabled: true},
	{ID: "one", Group: "single", Limits: engine.Limits{MaxInFlight: 1}},
}

func newService(t *testing.T, change ...func(*api.Config)) *service {
	t.Helper()
	return serviceOf(t, engine.Config{Deployments: deployments, Aliases: map[string]string{"talk": "chat"}}, change...)
}

// serviceOf is a service over an engine of one's own.
func serviceOf(t *testing.T, ec engine.Config, change ...func(*api.Config)) *service {
	t.Helper()
	ec.Clock, ec.TrackHeld = window.NewClockFrom(time.Now), true
	e, err := engine.New(ec)
	require.NoError(t, err)
	cfg := api.Config{Engine: e, Clock: ec.Clock, Jitter: func() float64 { return 0 }}
	for _, f := range change {
		f(&cfg)
	}
	s := &service{API: api.New(cfg), engine: e, mux: http.NewServeMux()}
	s.SetModels(ec.Deployments)
	s.Register(s.mux)
	return s
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *service) do(method, path, body string) reply {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// post sends a body and takes in the answer, which must have that status.
func post[Out any](t *testing.T, s *service, path, body string, status int) Out {
	t.Helper()
	got := s.do("POST", path, body)
	require.Equal(t, status, got.status, got.body)
	var out Out
	require.NoError(t, json.Unmarshal([]byte(got.body), &out), got.body)
	return out
}

type fields = map[string]any

func (s *service) state(t *testing.T, id string) engine.State {
	t.Helper()
	for _, st := range s.engine.AppendStates(nil) {
		if st.ID == id {
			return st
		}
	}
	t.Fatalf("no deployment %q", id)
	return engine.State{}
}

func TestAcquireThenSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		got := post[fields](t, s, "/v1/acquire", `{"group":"talk","input_tokens":100,"output_tokens":50,"exclude":["west","never-heard-of"]}`, 200)
		lease := got["lease"].(string)
		delete(got, "lease")
		require.Equal(t, fields{
			"deployment": "east", "group": "chat", "model": "gpt-4o", "reserved_tokens": 150.0,
			"expires_at": time.Now().Add(15 * time.Minute).UTC().Format(time.RFC3339),
		}, got)
		require.EqualValues(t, 150, s.state(t, "east").Limit(engine.LimitTPM).Held)

		end := `{"lease":"` + lease + `","usage":{"input_tokens":90,"output_tokens":20}}`
		require.Equal(t, fields{"lease": lease, "deployment": "east"}, post[fields](t, s, "/v1/settle", end, 200))
		require.Equal(t, fields{"lease": lease, "repeated": true}, post[fields](t, s, "/v1/settle", end, 200))
		require.Equal(t, fields{"lease": lease, "repeated": true}, post[fields](t, s, "/v1/release", `{"lease":"`+lease+`"}`, 200))
		st := s.state(t, "east")
		require.EqualValues(t, []int64{1, 110, 0, 0}, []int64{st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitTPM).Used, int64(st.Limit(engine.LimitTPM).Held), st.Limit(engine.LimitInFlight).Used})
	})
}

func TestReleaseAndSettleWithoutUsage(t *testing.T) {
	s := newService(t)
	var ids [2]string
	for i := range ids {
		ids[i] = post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":-1,"exclude":["west"]}`, 200)["lease"].(string)
	}
	post[fields](t, s, "/v1/release", `{"lease":"`+ids[0]+`"}`, 200)
	post[fields](t, s, "/v1/settle", `{"lease":"`+ids[1]+`"}`, 200)
	st := s.state(t, "east")
	require.EqualValues(t, []int64{1, 100, 0}, []int64{st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitTPM).Used, st.Limit(engine.LimitInFlight).Used})
	require.Equal(t, api.LeaseStats{Given: 2}, s.LeaseStats())
}

func TestLeasesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		first := post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":1}`, 200)["lease"].(string)
		time.Sleep(14 * time.Minute)
		second := post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":1}`, 200)["lease"].(string)
		time.Sleep(time.Minute - time.Nanosecond)
		s.Sweep()
		require.Equal(t, api.LeaseStats{Held: 2, Given: 2}, s.LeaseStats())
		time.Sleep(time.Nanosecond)
		s.Sweep()
		require.Equal(t, api.LeaseStats{Held: 1, Given: 2, Expired: 1}, s.LeaseStats())
		require.Equal(t, true, post[fields](t, s, "/v1/settle", `{"lease":"`+first+`","usage":{}}`, 200)["repeated"])
		require.Nil(t, post[fields](t, s, "/v1/settle", `{"lease":"`+second+`","usage":{}}`, 200)["repeated"])
		require.EqualValues(t, 101, s.engine.Stats().Tokens, "the first stands at its reservation")
	})
}

func TestLeasesAreBounded(t *testing.T) {
	s := newService(t, func(c *api.Config) { c.MaxLeases = 2 })
	id := post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)["lease"].(string)
	post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)
	got := s.do("POST", "/v1/acquire", `{"group":"chat"}`)
	require.Equal(t, 503, got.status)
	require.Equal(t, "1", got.header.Get("Retry-After"))
	require.Contains(t, got.body, `"too_many_leases"`)
	post[fields](t, s, "/v1/release", `{"lease":"`+id+`"}`, 200)
	post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)
	require.EqualValues(t, 2, s.engine.Stats().Held, "the refused one holds nothing")
}

func TestPickPreCheckRecord(t *testing.T) {
	s := newService(t)
	require.Equal(t, fields{"deployment": "east", "group": "chat", "model": "gpt-4o"},
		post[fields](t, s, "/v1/pick", `{"group":"chat","tags":["eu"]}`, 200))
	require.Zero(t, s.state(t, "east").Limit(engine.LimitRPM).Used)
	require.Equal(t, fields{"deployment": "east"}, post[fields](t, s, "/v1/precheck", `{"deployment":"east","input_tokens":1000}`, 200))
	require.Equal(t, fields{"deployment": "east"}, post[fields](t, s, "/v1/record", `{"deployment":"east","usage":{"input_tokens":600,"output_tokens":500}}`, 200))
	st := s.state(t, "east")
	require.EqualValues(t, []int64{1, 1100}, []int64{st.Limit(engine.LimitRPM).Used, st.Limit(engine.LimitTPM).Used}, "recorded whatever the limit")
	got := post[fields](t, s, "/v1/precheck", `{"deployment":"east","input_tokens":1}`, 429)["error"].(fields)
	require.Equal(t, "tpm", got["limit"])
}

// What the provider's cache served counts as its profile says.
func TestCachedTokens(t *testing.T) {
	rule, known := provider.Preset("anthropic", "")
	require.True(t, known)
	twin := func(id string) engine.Deployment {
		return engine.Deployment{ID: id, Group: id, Limits: engine.Limits{InputTPM: 10_000}, Profile: rule}
	}
	s := serviceOf(t, engine.Config{Deployments: []engine.Deployment{twin("a"), twin("b")}})
	lease := post[fields](t, s, "/v1/acquire", `{"group":"a","input_tokens":1000}`, 200)["lease"].(string)
	post[fields](t, s, "/v1/settle", `{"lease":"`+lease+`","usage":{"input_tokens":1000,"output_tokens":10,"cached_input_tokens":600,"cache_write_tokens":100}}`, 200)
	require.NoError(t, s.engine.Record("b", engine.Usage{InputTokens: 1000, OutputTokens: 10, CachedInputTokens: 600, CacheWriteTokens: 100}))
	require.InDelta(t, 400, s.state(t, "a").Limit(engine.LimitInputTPM).Used, 5, "a bucket refills meanwhile")
	require.InDelta(t, s.state(t, "b").Limit(engine.LimitInputTPM).Used, s.state(t, "a").Limit(engine.LimitInputTPM).Used, 5)
}

// A session keeps its deployment.
func TestAffinity(t *testing.T) {
	s := newService(t)
	places := map[any]bool{}
	for range 8 {
		places[post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":1,"output_tokens":1,"affinity":"conversation 7"}`, 200)["deployment"]] = true
	}
	require.Len(t, places, 1)
}

func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, func(c *api.Config) { c.Jitter = func() float64 { return 0.5 } })
		time.Sleep(20*time.Second - 500*time.Microsecond) // 40.0005 s are left of the minute
		for range 3 {
			post[fields](t, s, "/v1/acquire", `{"group":"chat","input_tokens":900,"output_tokens":50}`, 200)
		}
		got := s.do("POST", "/v1/acquire", `{"group":"chat","input_tokens":900,"output_tokens":50}`)
		require.Equal(t, 429, got.status)
		require.Equal(t, "43", got.header.Get("Retry-After"), "40.0005 s and a twentieth, rounded up")
		require.Equal(t, "42001", got.header.Get("Retry-After-Ms"))
		var body struct {
			Error struct {
				Type, Group, Deployment, Limit string
				RetryAfterMS                   int64 `json:"retry_after_ms"`
				Candidates                     int
				States                         []engine.State
			}
		}
		require.NoError(t, json.Unmarshal([]byte(got.body), &body))
		e := body.Error
		require.Equal(t, []any{"limited", "chat", "tpm", int64(40001), 2}, []any{e.Type, e.Group, e.Limit, e.RetryAfterMS, e.Candidates})
		require.Equal(t, []engine.State{s.state(t, "east"), s.state(t, "west")}, e.States)
	})
}

func TestStatuses(t *testing.T) {
	s := newService(t)
	post[fields](t, s, "/v1/acquire", `{"group":"single"}`, 200)
	for _, tt := range []struct {
		name, path, body string
		status           int
		kind, field      string
	}{
		{"unknown group", "/v1/acquire", `{"group":"none"}`, 404, "unknown_group", "group"},
		{"unknown group of pick", "/v1/pick", `{"group":"none"}`, 404, "unknown_group", "group"},
		{"unknown deployment", "/v1/precheck", `{"deployment":"none"}`, 404, "unknown_deployment", "deployment"},
		{"unknown deployment of record", "/v1/record", `{"deployment":"none","usage":{}}`, 404, "unknown_deployment", "deployment"},
		{"too large for ever", "/v1/acquire", `{"group":"chat","input_tokens":2001,"output_tokens":-1}`, 413, "never_fits", ""},
		{"too large to pick", "/v1/pick", `{"group":"chat","input_tokens":2001}`, 413, "never_fits", ""},
		{"disabled", "/v1/acquire", `{"group":"idle"}`, 503, "disabled", ""},
		{"in flight", "/v1/acquire", `{"group":"single"}`, 429, "limited", ""},
		{"all excluded", "/v1/acquire", `{"group":"chat","exclude":["east","west"]}`, 422, "no_candidate", ""},
		{"no such tag", "/v1/acquire", `{"group":"chat","tags":["us"]}`, 422, "no_candidate", ""},
		{"lease of another process", "/v1/settle", `{"lease":"l-0123456789abcdef"}`, 404, "unknown_lease", "lease"},
		{"no lease at all", "/v1/release", `{"lease":"l-xyz"}`, 404, "unknown_lease", "lease"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := post[fields](t, s, tt.path, tt.body, tt.status)["error"].(fields)
			require.Equal(t, tt.kind, got["type"])
			field, _ := got["field"].(string)
			require.Equal(t, tt.field, field)
		})
	}
}
