package logs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Each format gives the same calls: one that was served, one that was served after a
// refusal, and one that was refused in the end, whose tokens are imputed.
func TestFormats(t *testing.T) {
	for name, format := range map[string]string{
		"spend.jsonl": "LiteLLM spend log", "spend.json": "LiteLLM spend log", "spend.csv": "LiteLLM spend log",
		"spans.jsonl": "OpenTelemetry spans", "generic.jsonl": "generic", "generic.csv": "generic",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := logs.ReadFile(filepath.Join("testdata", name), nil)
			require.NoError(t, err)
			require.Equal(t, format, l.Format)
			require.Equal(t, 1, l.Retries)
			require.Equal(t, 1, l.Imputed)
			require.Zero(t, l.Unknown)
			require.Equal(t, []string{"gpt-4o"}, l.Models())
			require.Len(t, l.Calls, 3)
			for i, want := range []logs.Call{
				{Begin: noon, Input: 1200, Output: 80},
				{Begin: noon.Add(1500 * time.Millisecond), Input: 900, Output: 40, Refused: 1},
				{Begin: noon.Add(4 * time.Second), Input: 1200, Output: 80, Refused: 1, Failed: true, Imputed: true},
			} {
				got := l.Calls[i]
				require.NotContains(t, got.Deployment, "east", "identifiers are hashed")
				want.Model, want.Deployment, want.MaxOutput, want.Stated = "gpt-4o", got.Deployment, got.MaxOutput, true
				require.Equal(t, want, got)
			}
			require.NotEmpty(t, l.Calls[0].Deployment)
		})
	}
}

func TestOwnTrace(t *testing.T) {
	l, err := logs.Read("t.csv", []byte("arrival_ms,input_tokens,output_tokens\n0,10,5\n250,20,6\n"))
	require.NoError(t, err)
	require.Equal(t, "trace of plimsoll replay", l.Format)
	require.Equal(t, 2, l.Unknown)
	require.Len(t, l.Calls, 2)
	require.Equal(t, 250*time.Millisecond, l.Calls[1].Begin.Sub(l.Calls[0].Begin))
	require.Equal(t, int64(20), l.Calls[1].Input)
}

// What is no call of a model is skipped and counted: embeddings, answers from LiteLLM's
// cache, rows of failed authentication, spans of other work.
func TestSkipped(t *testing.T) {
	l, err := logs.ReadFile(filepath.Join("testdata", "spend.jsonl"), nil)
	require.NoError(t, err)
	require.Equal(t, 7, l.Records)
	require.Equal(t, 3, l.Skipped)
	l, err = logs.ReadFile(filepath.Join("testdata", "spans.jsonl"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, l.Skipped)
}

func TestTimes(t *testing.T) {
	for _, text := range []string{
		`"2026-03-01T12:00:00Z"`, `"2026-03-01T13:00:00+01:00"`, `"2026-03-01 12:00:00"`, `"2026-03-01 12:00:00+00"`,
		`"2026-03-01 12:00:00+00:00"`, `"2026-03-01T13:00:00+0100"`, `"2026-03-01 12:00:00 UTC"`, `"2026-03-01 12:00:00.000000 UTC"`, `1772366400`, `1772366400.0`, `"1772366400000"`, `1772366400000000`, `1772366400000000000`,
	} {
		l, err := logs.Read("x", []byte(`{"time":`+text+`,"model":"m","input_tokens":1,"output_tokens":1}`))
		require.NoError(t, err, text)
		require.Equal(t, noon, l.Calls[0].Begin, text)
	}
}

// Bad lines are named, with what is wanted.
func TestBadLines(t *testing.T) {
	const good = `{"time":1772366400,"model":"m","input_tokens":1,"output_tokens":1}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", " \n", "x: the file is empty; want a log of calls"},
		{"no call", `{"resourceSpans":[]}`, "x: no call with a time and a model is in the file (records: 0)"},
		{"no JSON", good + good + "{oops}\n", "x:3: not a JSON object: "},
		{"cut short", good + `{"time":`, "x:2: not a JSON object: the file ends in the middle of it; remove that part, or complete it"},
		{"array cut short", "[\n" + good, "x:3: not a JSON object: the file ends in the middle of it"},
		{"two arrays", "[\n" + good + "]\n[" + good + "]", "x:4: found text after the end of the array; give one array"},
		{"gzip", "\x1f\x8b\x08\x00rest", "x is compressed by gzip; unpack it first, by gunzip"},
		{"UTF-16", "\xff\xfe{\x00", "x is UTF-16; convert it to UTF-8 first, by iconv"},
		{"page", `{"data":[{"model":"m"}]}`, "x:1: data[0]: no time or no model; want time"},
		{"quotes", "time,model\n1772366400,m\n1772366400,a\"b\n", `x:3: not CSV: bare "`},
		{"array", "[" + good + ",\n7]", "x:3: not a JSON object; want one for each call, or for each batch of spans"},
		{"time", good + `{"time":"yesterday","model":"m"}`, `x:2: time is text of 9 bytes; want a date such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970`},
		{"no time", good + `{"model":"m"}`, "x:2: no time or no model; want time, model, input_tokens and output_tokens"},
		{"tokens", good + `{"time":1772366400,"model":"m","input_tokens":-4}`, `x:2: input_tokens is "-4"; want a whole number from 0 to 1000000000`},
		{"status", good + `{"time":1772366400,"model":"m","status":"fine"}`, `x:2: status is text of 4 bytes; want an HTTP status, success or failure`},
		{"span", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}]}]}]}`, "x:1: span : no startTimeUnixNano; want nanoseconds since 1970"},
		{"columns", "a,b\n1,2\n", `x:1: no column is startTime or time (columns, separated by commas: 2); want those of LiteLLM's spend logs (startTime, model, …), arrival_ms,input_tokens,output_tokens, or time,model,input_tokens,output_tokens`},
		{"column count", "time,model\n1772366400,m\n1\n", "x:3: found 1 columns; want the 2 of the first line"},
		{"csv tokens", "time,model,input_tokens\n1772366400,m,1\n1772366400,m,many\n", `x:3: input_tokens is text of 4 bytes; want`},
		{"trace", "arrival_ms,input_tokens,output_tokens\n0,1,1\nsoon,1,1\n", `x:3: arrival_ms is text of 4 bytes; want`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := logs.Read("x", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := logs.ReadFile(filepath.Join(t.TempDir(), "absent"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"spend.jsonl", "spend.csv", "spans.jsonl", "generic.csv"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := logs.Read("x", data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, l.Calls)
		for i, c := range l.Calls {
			require.NotEmpty(t, c.Model)
			require.False(t, c.Input < 0 || c.Output < 0 || c.MaxOutput < 0)
			require.False(t, i > 0 && c.Begin.Before(l.Calls[i-1].Begin))
		}
	})
}
