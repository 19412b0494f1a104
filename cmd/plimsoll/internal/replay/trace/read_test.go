package trace_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func TestRead(t *testing.T) {
	want := trace.Trace{
		{Arrival: 0, Input: 10, Output: 1},
		{Arrival: 0, Input: 20, Output: 0},
		{Arrival: 1500 * time.Millisecond, Input: 0, Output: 3},
	}
	for name, text := range map[string]string{
		"plain":           trace.Header + "\n0,10,1\n0,20,0\n1500,0,3\n",
		"no last newline": trace.Header + "\n0,10,1\n0,20,0\n1500,0,3",
		"CR LF":           trace.Header + "\r\n0,10,1\r\n0,20,0\r\n1500,0,3\r\n",
		"byte order mark": "\ufeff" + trace.Header + "\n0,10,1\n0,20,0\n1500,0,3\n",
		"blank lines":     trace.Header + "\n\n0,10,1\n0,20,0\n  \n1500,0,3\n\n",
		"spaces":          trace.Header + "\n 0, 10 ,1\n0,20,0\n1500,0,\t3\n",
		"time of day":     trace.Header + "\n1700000000000,10,1\n1700000000000,20,0\n1700000001500,0,3\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trace.Read(t.Context(), "t.csv", strings.NewReader(text))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestReadErrors(t *testing.T) {
	const h = trace.Header + "\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":            {"", `trace: t.csv: the file is empty; want the header arrival_ms,input_tokens,output_tokens and at least one request`},
		"header only":      {h, `trace: t.csv: no request after the header`},
		"wrong header":     {"time,in,out\n0,1,1\n", `trace: t.csv:1: header is "time,in,out"; want "arrival_ms,input_tokens,output_tokens"`},
		"no header":        {"0,1,1\n", `trace: t.csv:1: header is "0,1,1"; want "arrival_ms,input_tokens,output_tokens"`},
		"binary":           {"\x7fELF\x02\x01\x00\x00\n", `trace: t.csv:1: this is not a text file; want CSV with the header arrival_ms,input_tokens,output_tokens`},
		"binary, no NUL":   {"\x1f\x8b\x08\xff\n", `trace: t.csv:1: header is "\x1f\x8b\b\xff"; want "arrival_ms,input_tokens,output_tokens"`},
		"binary later":     {h + "\x00\x01\n", `trace: t.csv:2: found 1 columns in "\x00\x01"; want 3: arrival_ms,input_tokens,output_tokens`},
		"two columns":      {h + "0,1\n", `trace: t.csv:2: found 2 columns in "0,1"; want 3: arrival_ms,input_tokens,output_tokens`},
		"four columns":     {h + "0,1,2,3\n", `trace: t.csv:2: found 4 columns in "0,1,2,3"; want 3: arrival_ms,input_tokens,output_tokens`},
		"negative arrival": {h + "0,1,1\n-5,1,1\n", `trace: t.csv:3: arrival_ms is "-5"; want a whole number from 0 to 9000000000000`},
		"negative tokens":  {h + "0,-1,1\n", `trace: t.csv:2: input_tokens is "-1"; want a whole number from 0 to 1000000000`},
		"not a number":     {h + "0,1,NaN\n", `trace: t.csv:2: output_tokens is "NaN"; want a whole number from 0 to 1000000000`},
		"infinite":         {h + "0,Inf,1\n", `trace: t.csv:2: input_tokens is "Inf"; want a whole number from 0 to 1000000000`},
		"fraction":         {h + "0.5,1,1\n", `trace: t.csv:2: arrival_ms is "0.5"; want a whole number from 0 to 9000000000000`},
		"empty column":     {h + "0,,1\n", `trace: t.csv:2: input_tokens is ""; want a whole number from 0 to 1000000000`},
		"huge":             {h + "0,1000000001,1\n", `trace: t.csv:2: input_tokens is "1000000001"; want a whole number from 0 to 1000000000`},
		"overflow":         {h + "0,1,99999999999999999999\n", `trace: t.csv:2: output_tokens is "99999999999999999999"; want a whole number from 0 to 1000000000`},
		"backwards":        {h + "0,1,1\n\n500,1,1\n499,1,1\n", `trace: t.csv:5: arrival_ms goes back from 500 to 499; sort the file by arrival`},
		"long line":        {h + "0,1,1\n" + strings.Repeat("1", 5000), `trace: t.csv:3: the line is longer than 1024 bytes; want three numbers: arrival_ms,input_tokens,output_tokens`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := trace.Read(t.Context(), "t.csv", strings.NewReader(tt.text))
			require.EqualError(t, err, tt.want)
		})
	}
}

// endless is a line that never ends; reading more than a little of it fails.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left -= len(p); e.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	copy(p, bytes.Repeat([]byte("9"), len(p)))
	return len(p), nil
}

func TestReadGivesUpOnAnEndlessLine(t *testing.T) {
	_, err := trace.Read(t.Context(), "t.csv", &endless{left: 64 << 10})
	require.ErrorContains(t, err, "t.csv:1: the line is longer than 1024 bytes")
}

func TestReadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	text := trace.Header + "\n" + strings.Repeat("0,1,1\n", 5000)
	_, err := trace.Read(ctx, "t.csv", strings.NewReader(text))
	require.ErrorIs(t, err, context.Canceled)
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := trace.ReadFile(t.Context(), filepath.Join(dir, "absent.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "absent.csv")
	_, err = trace.ReadFile(t.Context(), dir)
	require.ErrorContains(t, err, dir)
}
