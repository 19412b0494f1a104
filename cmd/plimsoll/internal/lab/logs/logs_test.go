package logs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// Every format says the same of the same two calls: one that was served, and one that was
// refused once and served by the next attempt.
func TestFormats(t *testing.T) {
	spend := func(at, id, status, tokens, metadata string) string {
		return fmt.Sprintf(`{"request_id":"%s-%s","litellm_trace_id":"%[1]s","call_type":"acompletion","startTime":"2026-01-31T12:00:%[2]sZ","model_group":"chat","model_id":"m-1","status":"%s",%s"metadata":%s}`, id, at, status, tokens, metadata)
	}
	span := func(at, id, status, tokens string) string {
		return fmt.Sprintf(`{"traceId":"%s","spanId":"s","startTimeUnixNano":"%d","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"chat"}},{"key":"http.response.status_code","value":{"intValue":"%s"}}%s]}`,
			id, noon.UnixNano()+int64(len(at))*int64(time.Second), status, tokens)
	}
	used := func(in, out int) string {
		return fmt.Sprintf(`,{"key":"gen_ai.usage.input_tokens","value":{"intValue":"%d"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"%d"}}`, in, out)
	}
	for name, text := range map[string]string{
		"LiteLLM spend log": strings.Join([]string{
			spend("00", "a", "success", `"prompt_tokens":100,"completion_tokens":20,`, "{}"),
			spend("01", "b", "failure", "", `"{\"error_information\":{\"error_code\":\"429\"}}"`),
			spend("02", "b", "success", `"prompt_tokens":300,"completion_tokens":40,`, "{}"),
		}, "\n"),
		"OpenTelemetry spans": `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Join([]string{
			span("", "a", "200", used(100, 20)), span("1", "b", "429", ""), span("22", "b", "200", used(300, 40)),
		}, ",") + `]}]}]}`,
		"generic": "time,model,input_tokens,output_tokens,status,id\n" +
			"2026-01-31T12:00:00Z,chat,100,20,200,a\n2026-01-31T12:00:01Z,chat,,,429,b\n1769860802,chat,300,40,success,b\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := logs.Read("log", []byte(text))
			require.NoError(t, err)
			require.Equal(t, name, l.Format)
			require.Equal(t, []int{3, 0, 1, 0}, []int{l.Records, l.Skipped, l.Retries, l.Imputed})
			require.Len(t, l.Calls, 2)
			a, b := l.Calls[0], l.Calls[1]
			require.Equal(t, []int64{100, 20, 300, 40}, []int64{a.Input, a.Output, b.Input, b.Output})
			require.Equal(t, []int{0, 1}, []int{a.Refused, b.Refused})
			require.False(t, a.Failed || b.Failed)
			require.Equal(t, noon, a.Begin)
			require.Equal(t, noon.Add(time.Second), b.Begin, "when its first attempt began")
		})
	}
}

// A trace has calls of one model; a call that was refused in the end has the medians of the
// others; identifiers are hashed, and what is no call is skipped.
func TestWhatIsKept(t *testing.T) {
	l, err := logs.Read("log", []byte("arrival_ms,input_tokens,output_tokens\n0,10,1\n1500,30,3\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"trace"}, l.Models())
	require.Equal(t, 1500*time.Millisecond, l.Calls[1].Begin.Sub(l.Calls[0].Begin))
	require.Equal(t, 2, l.Unknown, "a trace has no statuses")

	l, err = logs.Read("log", []byte(`[
{"startTime":"2026-01-31 12:00:00","request_id":"1","model":"m","api_base":"https://secret.example","prompt_tokens":10,"completion_tokens":5},
{"startTime":"2026-01-31 12:00:01","request_id":"2","model":"m","prompt_tokens":30,"completion_tokens":7},
{"startTime":"2026-01-31 12:00:02","request_id":"3","model":"m","status":"failure","metadata":{"error_information":{"error_class":"RateLimitError"}}},
{"startTime":"2026-01-31 12:00:03","request_id":"4","model":"m","cache_hit":"True","prompt_tokens":1},
{"startTime":"2026-01-31 12:00:04","request_id":"5","model":"m","call_type":"aembedding","prompt_tokens":1},
{"startTime":"2026-01-31 12:00:05","request_id":"6","model":""}]`))
	require.NoError(t, err)
	require.Equal(t, []int{6, 3, 1}, []int{l.Records, l.Skipped, l.Imputed})
	refused := l.Calls[2]
	require.True(t, refused.Failed && refused.Imputed)
	require.Equal(t, []int64{30, 7}, []int64{refused.Input, refused.Output})
	require.Equal(t, 1, refused.Refused)
	require.NotContains(t, fmt.Sprintf("%+v", l), "secret")
}

// Bad input is named with its line and what is wanted.
func TestBadLogs(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "empty",
		"a,b\n1,2\n":                 "log:1: the columns are",
		"time,model\n2026-01-31,m\n": "log:2: time is",
		"time,model,input_tokens\n1769860802,m,1\n1769860803,m,-1\n": "log:3: input_tokens is",
		"time,model\n1769860802\n":                                   "log:2: found 1 columns",
		"{\"time\":1769860802,\"model\":\"m\"}\n{\"time\":":           "log:2: not a JSON object",
		"{\"time\":1769860802,\"model\":\"m\",\"status\":\"odd\"}":   "log:1: status is",
		"{\"model\":\"m\"}":                                          "no time or no model",
		"[]":                                                         "no call with a time",
		"{\"resourceSpans\":[]}":                                     "no call with a time",
	} {
		_, err := logs.Read("log", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
}
