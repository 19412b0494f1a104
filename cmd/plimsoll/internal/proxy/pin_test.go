package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// keeper is a provider of the Responses API that knows its own responses alone.
type keeper struct {
	name string
	mu   sync.Mutex
	made map[string]string // id: of the one before
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var in struct {
		Previous string `json:"previous_response_id"`
		Stream   bool
	}
	text, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(text, &in)
	id := strings.TrimPrefix(r.URL.Path, "/v1/responses")
	w.Header().Set("Content-Type", "application/json")
	if id != "" {
		id, action, _ := strings.Cut(id[1:], "/")
		before, ok := k.made[id]
		switch {
		case !ok:
			w.WriteHeader(404)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"no response %s"}}`, id)
		case action == "input_items":
			_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"msg_1"}]}`)
		case r.Method == "DELETE":
			delete(k.made, id)
			_, _ = fmt.Fprintf(w, `{"id":%q,"object":"response","deleted":true}`, id)
		default:
			_, _ = fmt.Fprintf(w, `{"object":"response","output":[],"id":%q,"previous_response_id":%s}`, id, quoted(before))
		}
		return
	}
	if _, ok := k.made[in.Previous]; in.Previous != "" && !ok {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":{"code":"previous_response_not_found"}}`)
		return
	}
	id = fmt.Sprintf("resp_%s%d", k.name, len(k.made))
	k.made[id] = in.Previous
	whole := fmt.Sprintf(`{"id": %q,"object":"response","previous_response_id":%s,"output":[{"type":"message","content":[{"type":"output_text","text":"it is \"%s\""}]}],"usage":{"input_tokens":5,"output_tokens":6}}`, id, quoted(in.Previous), id)
	if !in.Stream {
		_, _ = io.WriteString(w, whole)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, event := range []string{"response.created", "response.in_progress", "response.output_text.delta", "response.completed"} {
		data := fmt.Sprintf(`{"type":%q,"response":%s}`, event, whole)
		if strings.HasSuffix(event, "delta") {
			data = `{"type":"response.output_text.delta","delta":"hi"}`
		}
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
		_ = http.NewResponseController(w).Flush()
	}
}

func quoted(id string) string {
	if id == "" {
		return "null"
	}
	return `"` + id + `"`
}

const responsesPath = "/openai/v1/responses"

func newKeepers(t *testing.T, limits engine.Limits, edit func(*proxy.Config)) *bench {
	k := []*keeper{{name: "a", made: map[string]string{}}, {name: "b", made: map[string]string{}}, {name: "c", made: map[string]string{}}}
	return newBench(t, change{limits: limits, edit: edit, change: func(c *engine.Config) {
		for i := range c.Deployments {
			c.Deployments[i].Order = 0
		}
		c.Strategy = engine.PowerOfTwo
	}}, k[0], k[1], k[2])
}

var sealed = regexp.MustCompile(`"id": ?"(resp_[A-Za-z0-9_-]{60,})"`)

// A chain of responses stays where its first one is, in JSON and in streams, and
// clients see no id of a provider.
func TestResponsesArePinned(t *testing.T) {
	for _, streams := range []bool{false, true} {
		t.Run(fmt.Sprint("stream ", streams), func(t *testing.T) {
			b := newKeepers(t, engine.Limits{}, nil)
			for range 10 {
				id, at := "", ""
				for turn := range 4 {
					body := `{"model":"chat","input":"x","stream":` + fmt.Sprint(streams)
					if turn > 0 {
						body += `,"previous_response_id":"` + id + `"`
					}
					resp, text := b.post(t, responsesPath, body+"}")
					require.Equal(t, 200, resp.StatusCode, text)
					found := sealed.FindAllStringSubmatch(text, -1)
					require.Len(t, found, map[bool]int{false: 1, true: 3}[streams], text)
					for _, f := range found {
						require.Equal(t, found[0][1], f[1], "one response has one id")
					}
					if turn > 0 {
						require.Equal(t, at, resp.Header.Get("X-Plimsoll-Deployment"))
						require.Contains(t, text, `"previous_response_id":"`+id+`"`)
					}
					require.NotRegexp(t, `[^\\]"resp_[abc]\d`, text, "a provider's id")
					require.Regexp(t, `it is \\"resp_[abc]\d+\\"`, text, "what the model says stays")
					id, at = found[0][1], resp.Header.Get("X-Plimsoll-Deployment")
				}
			}
			b.settled(t)
		})
	}
}

// Requests about a response go where it is, uncounted.
func TestRequestsAboutResponses(t *testing.T) {
	b := newKeepers(t, engine.Limits{}, nil)
	_, text := b.post(t, responsesPath, `{"model":"chat","input":"x"}`)
	first := sealed.FindStringSubmatch(text)[1]
	_, text = b.post(t, responsesPath, `{"model":"chat","input":"y","previous_response_id":"`+first+`"}`)
	second := sealed.FindStringSubmatch(text)[1]
	admitted := b.eng.Stats().Admitted

	resp, text := b.do(t, "GET", responsesPath+"/"+second, "")
	require.Equal(t, 200, resp.StatusCode, text)
	require.Contains(t, text, `"id":"`+second+`"`)
	require.NotRegexp(t, `"resp_[abc]\d`, text)
	before := regexp.MustCompile(`"previous_response_id":"(resp_[^"]*)"`).FindStringSubmatch(text)[1]
	resp, _ = b.do(t, "GET", responsesPath+"/"+before, "")
	require.Equal(t, 200, resp.StatusCode, "the one before can be asked for too")
	resp, text = b.do(t, "GET", "/v1/responses/"+second+"/input_items", "")
	require.Equal(t, 200, resp.StatusCode, text)
	require.Contains(t, text, "msg_1")
	resp, text = b.do(t, "POST", "/responses/"+second+"/cancel", "")
	require.Equal(t, 200, resp.StatusCode, text)
	resp, text = b.do(t, "DELETE", responsesPath+"/"+second, "")
	require.Equal(t, 200, resp.StatusCode, text)
	require.JSONEq(t, `{"id":"`+second+`","object":"response","deleted":true}`, text)
	resp, _ = b.do(t, "GET", responsesPath+"/"+second, "")
	require.Equal(t, 404, resp.StatusCode)
	require.Equal(t, admitted, b.eng.Stats().Admitted)
}

// An id opens nothing to another token, after a change of it, or if it is a provider's
// own.
func TestForgedResponses(t *testing.T) {
	callers := func(c *proxy.Config) { c.Caller = func(r *http.Request) string { return r.Header.Get("X-Who") } }
	b := newKeepers(t, engine.Limits{}, callers)
	_, text := b.post(t, responsesPath, `{"model":"chat","input":"x"}`, "X-Who", "anna")
	id := sealed.FindStringSubmatch(text)[1]
	follow := func(id, who string) int {
		resp, text := b.post(t, responsesPath, `{"model":"chat","input":"x","previous_response_id":"`+id+`"}`, "X-Who", who)
		if resp.StatusCode != 200 {
			require.Contains(t, text, `"code":"previous_response_not_found"`)
			require.Contains(t, text, `"param":"previous_response_id"`)
		}
		got, _ := b.do(t, "GET", responsesPath+"/"+id, "", "X-Who", who)
		require.Equal(t, resp.StatusCode, got.StatusCode)
		return resp.StatusCode
	}
	require.Equal(t, 200, follow(id, "anna"))
	require.Equal(t, 404, follow(id, "bert"))
	require.Equal(t, 404, follow(id, ""))
	for i := len("resp_"); i < len(id)-1; i++ { // the last character's low bits say nothing
		changed := []byte(id)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		require.Equal(t, 404, follow(string(changed), "anna"), i)
	}
	for _, foreign := range []string{"resp_a0", "resp_", "x", id + "AAAA", id[:len(id)-8], strings.Repeat("resp_A", 1000)} {
		require.Equal(t, 404, follow(foreign, "anna"))
	}
	other := newKeepers(t, engine.Limits{}, callers)
	_, text = other.post(t, responsesPath, `{"model":"chat","input":"x"}`, "X-Who", "anna")
	resp, text := b.post(t, responsesPath, `{"model":"chat","input":"x","previous_response_id":"`+sealed.FindStringSubmatch(text)[1]+`"}`, "X-Who", "anna")
	require.NotContains(t, text, "must have been created", "a node with the same credentials understands it")
	require.NotEmpty(t, resp.Header.Get("X-Plimsoll-Deployment"))
	keyed := newKeepers(t, engine.Limits{}, func(c *proxy.Config) { callers(c); c.IDKey = []byte(strings.Repeat("k", 32)) })
	_, text = keyed.post(t, responsesPath, `{"model":"chat","input":"x"}`, "X-Who", "anna")
	require.Equal(t, 404, follow(sealed.FindStringSubmatch(text)[1], "anna"), "a node with another key")
}

// A pin passes no limit: the call is refused, or waits.
func TestPinsKeepLimits(t *testing.T) {
	b := newKeepers(t, engine.Limits{RPM: 1}, nil)
	_, text := b.post(t, responsesPath, `{"model":"chat","input":"x"}`)
	id := sealed.FindStringSubmatch(text)[1]
	resp, text := b.post(t, responsesPath, `{"model":"chat","input":"x","previous_response_id":"`+id+`"}`)
	require.Equal(t, 429, resp.StatusCode)
	require.Contains(t, text, "Only the deployment that holds")
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	resp, _ = b.post(t, responsesPath, `{"model":"chat","input":"x"}`)
	require.Equal(t, 200, resp.StatusCode, "others have headroom")
}
