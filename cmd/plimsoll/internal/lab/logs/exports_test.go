package logs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
)

func read(t *testing.T, text string) *logs.Log {
	t.Helper()
	l, err := logs.Read("x", []byte(text))
	require.NoError(t, err)
	return l
}

// span returns a span of OTLP's JSON with attributes that are text.
func span(id, parent string, more string, attributes ...string) string {
	var a []string
	for i := 0; i < len(attributes); i += 2 {
		a = append(a, fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, attributes[i], attributes[i+1]))
	}
	return fmt.Sprintf(`{"traceId":"t","spanId":%q,"parentSpanId":%q,"startTimeUnixNano":"17723664%s000000000"%s,"attributes":[%s]}`,
		id, parent, id[:2], more, strings.Join(a, ","))
}

func batch(spans ...string) string {
	return `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Join(spans, ",") + `]}]}]}` + "\n"
}

// Exports of overlapping pages hold some records twice. An attempt that fails twice is no copy,
// though records of the generic format may look alike.
func TestCopies(t *testing.T) {
	spend, err := os.ReadFile(filepath.Join("testdata", "spend.jsonl"))
	require.NoError(t, err)
	spans, err := os.ReadFile(filepath.Join("testdata", "spans.jsonl"))
	require.NoError(t, err)
	for name, data := range map[string][]byte{"spend": spend, "spans": spans} {
		once, twice := read(t, string(data)), read(t, string(data)+string(data))
		require.Equal(t, once.Calls, twice.Calls, name)
		require.Equal(t, once.Retries, twice.Retries, name)
		require.Zero(t, once.Copies, name)
		require.Equal(t, once.Records-once.Skipped, twice.Copies, name)
	}
	const served = `{"time":1772366400,"model":"m","input_tokens":1,"output_tokens":1,"status":200,"id":"a"}` + "\n"
	l := read(t, served+served+strings.ReplaceAll(served, `,"id":"a"`, "")+strings.ReplaceAll(served, `,"id":"a"`, ""))
	require.Len(t, l.Calls, 3, "calls without an id are no copies")
	require.Equal(t, 1, l.Copies)
	refused := strings.ReplaceAll(served, "200", "429")
	l = read(t, refused+refused)
	require.Len(t, l.Calls, 1)
	require.Equal(t, 2, l.Calls[0].Refused)
	require.Zero(t, l.Copies)
}

// Spans of agents, tools and workflows sum up the calls below them, and a proxy's span is
// around that of its client.
func TestSpansAroundCalls(t *testing.T) {
	const model, tokens = "gen_ai.request.model", "gen_ai.usage.input_tokens"
	l := read(t, batch(
		span("01", "", "", model, "m", tokens, "300", "gen_ai.operation.name", "invoke_agent"),
		span("02", "01", "", model, "m", tokens, "100", "gen_ai.operation.name", "chat"),
		span("03", "01", "", model, "m", "gen_ai.operation.name", "execute_tool"),
		span("04", "01", "", model, "m", tokens, "200", "gen_ai.operation.name", "chat"),
		span("05", "", "", model, "m", tokens, "70"),
		span("06", "05", "", model, "m", tokens, "70"),
		span("07", "", "", model, "e", tokens, "70", "llm.request.type", "embedding"),
	))
	require.Equal(t, 4, l.Skipped)
	require.Len(t, l.Calls, 3)
	for i, want := range []int64{100, 200, 70} {
		require.Equal(t, want, l.Calls[i].Input)
	}
}

// A span that failed need not have the attribute error.type.
func TestSpanStatuses(t *testing.T) {
	const model = "gen_ai.request.model"
	for more, want := range map[string]logs.Call{
		``:                       {},
		`,"status":{}`:           {},
		`,"status":{"code":1}`:   {},
		`,"status":{"code":2}`:   {Failed: true},
		`,"status":{"code":"2"}`: {Failed: true},
		`,"status":{"code":"STATUS_CODE_ERROR","message":"Error code: 429 - slow down"}`:                                                               {Failed: true, Refused: 1},
		`,"status":{"code":2},"events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"openai.RateLimitError"}}]}]`: {Failed: true, Refused: 1},
	} {
		l := read(t, batch(span("01", "", more, model, "m", "gen_ai.usage.input_tokens", "5")))
		require.Equal(t, want.Failed, l.Calls[0].Failed, more)
		require.Equal(t, want.Refused, l.Calls[0].Refused, more)
		require.True(t, l.Calls[0].Stated, more)
	}
	for _, attributes := range [][]string{{"error.type", "429"}, {"error.type", "too_many_requests"}, {"http.status_code", "429"}, {"http.response.status_code", "200", "error.type", "rate_limit_exceeded"}} {
		l := read(t, batch(span("01", "", "", append([]string{model, "m"}, attributes...)...)))
		require.Equal(t, 1, l.Calls[0].Refused, attributes)
	}
}

// Rows of versions of LiteLLM that had no column status are not taken for served ones; of
// versions that had it in the metadata alone it is read there.
func TestSpendStatus(t *testing.T) {
	const row = `{"request_id":"r","startTime":"2026-03-01T12:00:00Z","model":"m","prompt_tokens":1`
	l := read(t, row+`}`)
	require.Equal(t, 1, l.Unknown)
	require.False(t, l.Calls[0].Stated)
	l = read(t, row+`,"metadata":"{\"status\":\"failure\",\"error_information\":{\"error_code\":\"429\"}}"}`)
	require.Zero(t, l.Unknown)
	require.Equal(t, 1, l.Calls[0].Refused)
	l = read(t, `{"total":1,"data":[`+row+`,"status":"success","call_type":"agenerate_content"}]}`)
	require.Equal(t, "LiteLLM spend log", l.Format)
	require.Len(t, l.Calls, 1, "a page of rows")
}

// Errors quote nothing that may be a prompt, a key or a name.
func TestErrorsHoldNoSecrets(t *testing.T) {
	const secret = "sk-hunter2"
	for _, text := range []string{
		secret + "\n", "2026-01-01T00:00:00Z," + secret + ",x\n", `["` + secret + `"]`, `"` + secret + `"`,
		"time,model,input_tokens\n1," + `m,` + secret + "\n", "time,model\n" + secret + ",m\n", "time,model,status\n1,m," + secret + "\n",
		"arrival_ms,input_tokens,output_tokens\n" + secret + ",1,1\n", "time,model\n1,m," + secret + "\n", "time,model\n1,a\"" + secret + "\n",
		`{"time":1,"model":"m","input_tokens":"` + secret + `"}`, `{"time":1,"model":"m","input_tokens":["` + secret + `"]}`, `{"time":{"a":"` + secret + `"},"model":"m"}`,
		`{"` + secret + `":1}`, `{"time":"` + secret + `"`, `{"time":"` + secret + `\u12"}`,
		batch(strings.Replace(span("01", "", "", "gen_ai.request.model", "m"), "17723664", secret, 1)),
	} {
		_, err := logs.Read("x", []byte(text))
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "hunter2", text)
	}
}

// Memory is that of the calls and not that of the file: rows of LiteLLM hold prompts.
func TestMemory(t *testing.T) {
	row := []byte(`{"request_id":"r","startTime":"2026-03-01T12:00:00Z","model":"m","prompt_tokens":1,"messages":"` + strings.Repeat("p", 60_000) + `"}` + "\n")
	path := filepath.Join(t.TempDir(), "spend.jsonl")
	require.NoError(t, os.WriteFile(path, bytes.Repeat(row, 1000), 0o600))
	var most uint64
	last := int64(0)
	l, err := logs.ReadFile(path, func(done, of int64) {
		require.GreaterOrEqual(t, done, last)
		require.Equal(t, int64(1000*len(row)), of)
		if done-last > 10<<20 || done == of {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most, last = max(most, m.HeapAlloc), done
		}
	})
	require.NoError(t, err)
	require.Equal(t, int64(1000*len(row)), last)
	require.Equal(t, 1000, l.Records)
	require.Less(t, most, uint64(20<<20), "of a file of 60 MB")
	require.Equal(t, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), l.Calls[0].Begin)
}
