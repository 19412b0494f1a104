package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
)

// FuzzBodies sends bodies to every route that takes one. Whatever it is, the
// answer is JSON with a status that the description has, and says what is wrong
// if something is; what was refused changes nothing.
func FuzzBodies(f *testing.F) {
	var paths []string
	for _, op := range api.Operations() {
		if op.Method == http.MethodPost {
			paths = append(paths, op.Path)
		}
	}
	for i := range paths {
		for _, body := range []string{
			`{}`, `[]`, `{"group":"chat","input_tokens":1e3}`, `{"deployment":"east","usage":{"input_tokens":9,"cached_input_tokens":9}}`,
			`{"lease":"l-0123456789abcdef","usage":null}`, `{"requests":[{"group":"chat","priority":0,"tags":["eu"]},{}]}`,
			`{"deployment":"east","status":429,"headers":{"retry-after":"-1","x-ratelimit-reset-tokens":"9h"},"body":"{\"error\":{}}","provider":"openai"}`,
			`{"group":"chat","exclude":["east","west"],"affinity":"a","output_tokens":-1,"max_output_tokens":4398046511104}`,
		} {
			f.Add(uint8(i), body)
		}
	}
	known := described(f)
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		if strings.Contains(body, "wait") {
			t.Skip("it may take a minute")
		}
		s := newService(t)
		path := paths[int(route)%len(paths)]
		before := s.engine.AppendStates(nil)
		got := s.do("POST", path, body)
		require.Contains(t, known.Paths[path]["post"].Responses, strconv.Itoa(got.status), body)
		var out struct {
			Error *struct{ Type, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(got.body), &out), got.body)
		if got.status == http.StatusOK {
			return
		}
		require.NotNil(t, out.Error, got.body)
		require.NotEmpty(t, out.Error.Type)
		require.NotEmpty(t, out.Error.Message)
		require.Equal(t, before, s.engine.AppendStates(nil))
		require.Zero(t, s.LeaseStats())
	})
}

// FuzzQuery asks explain whatever it is asked.
func FuzzQuery(f *testing.F) {
	f.Add("group=chat&input_tokens=9&tags=eu&tags=x&exclude=west&priority=0")
	f.Add("group=%zz&=&a=b")
	f.Add("group=chat&input_tokens=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		s := newService(t)
		r := httptest.NewRequest("GET", "/v1/explain", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		require.Contains(t, []int{200, 400, 404}, w.Code, query)
		require.True(t, json.Valid(w.Body.Bytes()))
	})
}
