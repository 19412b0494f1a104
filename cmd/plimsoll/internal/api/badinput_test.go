package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
)

func TestBadBodies(t *testing.T) {
	s := newService(t)
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for _, tt := range []struct {
		name, path, body string
		status           int
		message          string
	}{
		{"nothing", "/v1/acquire", ``, 400, "the body is not JSON from byte 0 on"},
		{"text", "/v1/acquire", `hello`, 400, "the body is not JSON from byte 0 on"},
		{"cut", "/v1/acquire", `{"group":"chat"`, 400, "the body is not JSON from byte 15 on"},
		{"two", "/v1/acquire", `{"group":"chat"}{}`, 400, "the body is not JSON from byte 16 on"},
		{"list", "/v1/acquire", `[]`, 400, "the body is a list; want a JSON object"},
		{"unknown field", "/v1/acquire", `{"group":"chat","tokens":1}`, 400, "tokens: is no field of this request; leave it out"},
		{"other case", "/v1/acquire", `{"Group":"chat"}`, 400, "Group: is no field of this request; leave it out"},
		{"unknown field inside", "/v1/record", `{"deployment":"east","usage":{"cached":1}}`, 400, "usage.cached: is no field of this request; leave it out"},
		{"twice", "/v1/acquire", `{"group":"chat","group":"talk"}`, 400, "group: is given twice; leave one out"},
		{"text for number", "/v1/acquire", `{"group":"chat","input_tokens":"9"}`, 400, "input_tokens: is a text; want a whole number"},
		{"fraction", "/v1/acquire", `{"group":"chat","input_tokens":1.5}`, 400, "input_tokens: is 1.5; want a whole number"},
		{"huge", "/v1/acquire", `{"group":"chat","input_tokens":1e400}`, 400, "input_tokens: is 1e400; want a whole number"},
		{"number for text", "/v1/acquire", `{"group":7}`, 400, "group: is a number; want a text"},
		{"text for list", "/v1/acquire", `{"group":"chat","tags":"eu"}`, 400, "tags: is a text; want a list"},
		{"number in list", "/v1/acquire", `{"group":"chat","tags":["eu",1]}`, 400, "tags.1: is a number; want a text"},
		{"list for object", "/v1/settle", `{"lease":"l","usage":[]}`, 400, "usage: is a list; want an object"},
		{"not UTF-8", "/v1/acquire", "{\"group\":\"\xff\"}", 400, "the body is not JSON from byte 10 on"},
		{"deep", "/v1/acquire", `{"group":` + strings.Repeat("[", 20_000), 400, "the body is not JSON from byte 10008 on"},

		{"no group", "/v1/acquire", `{}`, 400, "group: is missing; name the group to choose from"},
		{"null group", "/v1/pick", `{"group":null}`, 400, "group: is missing; name the group to choose from"},
		{"negative", "/v1/acquire", `{"group":"chat","input_tokens":-1}`, 400, "input_tokens: is -1; want 0 to 4398046511104"},
		{"output below none", "/v1/acquire", `{"group":"chat","output_tokens":-2}`, 400, "output_tokens: is -2; want -1 to 4398046511104"},
		{"cap", "/v1/pick", `{"group":"chat","max_output_tokens":4398046511105}`, 400, "max_output_tokens: is 4398046511105; want 0 to 4398046511104"},
		{"many excluded", "/v1/acquire", `{"group":"chat","exclude":[` + many(1001, `"x"`) + `]}`, 400, "exclude: lists too many values; at most 1000"},
		{"many tags", "/v1/acquire", `{"group":"chat","tags":[` + many(101, `"x"`) + `]}`, 400, "tags: lists too many values; at most 100"},
		{"no deployment", "/v1/precheck", `{}`, 400, "deployment: is missing; name the deployment to admit a request on"},
		{"precheck negative", "/v1/precheck", `{"deployment":"east","input_tokens":-5}`, 400, "input_tokens: is -5; want 0 to 4398046511104"},
		{"record nothing", "/v1/record", `{"usage":{}}`, 400, "deployment: is missing; name the deployment that was used"},
		{"no usage", "/v1/record", `{"deployment":"east"}`, 400, "usage: is missing; give the tokens that the call consumed"},
		{"usage negative", "/v1/record", `{"deployment":"east","usage":{"output_tokens":-1}}`, 400, "usage.output_tokens: is -1; want 0 to 4398046511104"},
		{"no lease", "/v1/settle", `{}`, 400, "lease: is missing; name the lease that acquire answered"},
		{"empty batch", "/v1/acquire/batch", `{"requests":[]}`, 400, "requests: is empty; list what to do"},
		{"large batch", "/v1/acquire/batch", `{"requests":[` + many(1001, `{}`) + `]}`, 400, "requests: lists too many values; at most 1000"},
		{"wait below zero", "/v1/acquire", `{"group":"chat","wait_ms":-1}`, 400, "wait_ms: is -1; want 0 to 60000"},
		{"long wait", "/v1/acquire", `{"group":"chat","wait_ms":60001}`, 400, "wait_ms: is 60001; want 0 to 60000"},
		{"wait of pick", "/v1/pick", `{"group":"chat","wait_ms":1}`, 400, "wait_ms: is no field of this request; leave it out"},
		{"wait in a batch", "/v1/acquire/batch", `{"requests":[{"group":"chat","wait_ms":1}]}`, 400, "requests.0.wait_ms: is no field of this request; leave it out"},
		{"priority below zero", "/v1/acquire", `{"group":"chat","priority":-1}`, 400, "priority: is -1; want 0, the most important, or another class of the configuration's priority_share"},
		{"huge priority", "/v1/pick", `{"group":"chat","priority":4294967296}`, 400, "priority: is 4294967296; want 0, the most important, or another class of the configuration's priority_share"},
		{"unknown class", "/v1/acquire", `{"group":"chat","priority":1}`, 400, "priority: is no class of the configuration; priority_share lists them, the first is 0"},
		{"unknown class of a waiter", "/v1/acquire", `{"group":"chat","priority":1,"wait_ms":5}`, 400, "priority: is no class of the configuration; priority_share lists them, the first is 0"},
		{"unknown class of precheck", "/v1/precheck", `{"deployment":"east","priority":1}`, 400, "priority: is no class of the configuration; priority_share lists them, the first is 0"},
		{"cache negative", "/v1/record", `{"deployment":"east","usage":{"cached_input_tokens":-1}}`, 400, "usage.cached_input_tokens: is -1; want 0 to 4398046511104"},
		{"more parts than input", "/v1/record", `{"deployment":"east","usage":{"input_tokens":9,"cached_input_tokens":5,"cache_write_tokens":5}}`, 400, "usage.input_tokens: is 9; cached_input_tokens and cache_write_tokens are parts of it, and are 10 together"},
		{"unknown in batch", "/v1/settle/batch", `{"requests":[{"lease":"l"},{"id":1}]}`, 400, "requests.1.id: is no field of this request; leave it out"},
		{"large", "/v1/acquire", `{"group":"` + strings.Repeat("x", api.MaxBody) + `"}`, 413, "the body has more than 1048576 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := post[fields](t, s, tt.path, tt.body, tt.status)["error"].(fields)
			require.Equal(t, tt.message, got["message"])
		})
	}
	require.Zero(t, s.engine.Stats().Admitted)
	require.Zero(t, s.LeaseStats())
}

func TestOnlyJSON(t *testing.T) {
	s := newService(t)
	for kind, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data": 415, "application/jsonx": 415, ";": 415,
	} {
		r := httptest.NewRequest("POST", "/v1/pick", strings.NewReader(`{"group":"chat"}`))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		require.Equal(t, status, w.Code, kind)
	}
}

// A body without a Content-Length is bounded too.
func TestLargeBodyOfUnknownLength(t *testing.T) {
	s := newService(t)
	r := httptest.NewRequest("POST", "/v1/pick", strings.NewReader(`{"group":"`+strings.Repeat("x", api.MaxBody)+`"}`))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	require.Equal(t, 413, w.Code)
}

func TestNoSuchPath(t *testing.T) {
	s := newService(t)
	got := s.do("GET", "/v1/acquire", "")
	require.Equal(t, 405, got.status)
	require.Equal(t, "POST", got.header.Get("Allow"))
	require.Contains(t, got.body, "use POST for /v1/acquire")
	got = s.do("POST", "/v1/aquire", "{}")
	require.Equal(t, 404, got.status)
	require.Contains(t, got.body, `"not_found"`)
	for _, path := range []string{"/v1/deployments?x=1", "/v1/groups/chat?x=1", "/v1/explain?group=chat&x=1", "/v1/explain?group=chat&input_tokens=many", "/v1/explain?group=chat&priority=first", "/v1/explain?group=chat&priority=1", "/v1/explain", "/v1/explain?%zz"} {
		require.Equal(t, 400, s.do("GET", path, "").status, path)
	}
	require.Equal(t, 404, s.do("GET", "/v1/groups/none", "").status)
	require.Equal(t, 404, s.do("GET", "/v1/explain?group=none", "").status)
}
