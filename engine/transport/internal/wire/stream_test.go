package wire_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// pieces cuts a text into pieces of random size.
func pieces(text []byte, seed uint64) (out [][]byte) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for len(text) > 0 {
		n := 1 + rnd.IntN(min(len(text), 40))
		out = append(out, bytes.Clone(text[:n]))
		text = text[n:]
	}
	return out
}

// FuzzFinder: the members found in passing are those that a JSON decoder finds.
func FuzzFinder(f *testing.F) {
	for _, s := range []string{
		`{"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
		` { "a" : [ {"usage":{"prompt_tokens":9}} ] , "usage" : {"input_tokens" : 3 , "x":"}\"{" } , "b":"\\" }`,
		`{"usage":null,"usage":{"output_tokens":4},"error":"x" }`, `{"usage":[{}]}`, `{"a":"usage","b":1}`, `{}`, `{"usage":7}`, `[{"usage":{"input_tokens":1}}]`,
		`{"usag\u0065":{"input_tokens":1}}`, `{"error": { "code" : 5 } , "id":1}`,
	} {
		f.Add([]byte(s), uint64(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		fd := wire.NewFinder("usage", "error")
		for _, p := range pieces(text, seed) {
			fd.Write(p)
		}
		got := []string{string(fd.Get("usage")), string(fd.Get("error"))}
		require.Nil(t, fd.Get("id"))
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) != nil || object == nil || strings.Contains(string(text), `\u`) {
			return // nothing is promised, but that it ends
		}
		require.True(t, fd.Complete())
		require.Equal(t, []string{string(object["usage"]), string(object["error"])}, got, "%q", text)
	})
}

func TestFinderBounds(t *testing.T) {
	fd := wire.NewFinder("usage")
	fd.Write([]byte(`{"usage":"` + strings.Repeat("x", wire.MaxValue) + `","`))
	fd.Write([]byte(strings.Repeat("n", 1<<20) + `":1,"usage":{"a":1}}`))
	require.Equal(t, `{"a":1}`, string(fd.Get("usage")), "the one that is too large is passed over")
}

// whole is what a slow reader makes of a stream: its lines joined by LF, events
// divided by empty ones, the unfinished rest left out.
func whole(text string) []string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var out []string
	var event strings.Builder
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return out
		}
		text = rest
		event.WriteString(line + "\n")
		if line == "" {
			out = append(out, event.String())
			event.Reset()
		}
	}
}

// FuzzSplitter: in whatever pieces a stream comes, its events are those of the
// whole text, and no byte is lost.
func FuzzSplitter(f *testing.F) {
	for _, s := range []string{
		"data: a\n\ndata: b\n\n", "data: a\r\n\r\nevent: x\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r", "data: a\n\r\ndata: b\r\r\n\n\r", "\n\n\r\n:\n\ndata\n\r\n", "data: a\n\r", "a\r\nb\r\n\r\n",
	} {
		f.Add([]byte(s), uint64(1), false)
		f.Add([]byte(s), uint64(2), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, drop bool) {
		var s wire.Splitter
		var buf, all []byte
		var got []string
		from := 0
		for _, p := range pieces(text, seed) {
			buf = append(buf, p...)
			for {
				end, rest := s.Next(buf)
				if end == 0 {
					break
				}
				require.Greater(t, end, from)
				if rest {
					require.Equal(t, "\n", string(buf[from:end]))
				} else {
					got = append(got, strings.ReplaceAll(strings.ReplaceAll(string(buf[from:end]), "\r\n", "\n"), "\r", "\n"))
				}
				all = append(all, buf[from:end]...)
				from = end
			}
			if drop {
				buf = bytes.Clone(buf[from:])
				s.Drop(from)
				from = 0
			}
		}
		require.Equal(t, string(text), string(append(all, buf[from:]...)))
		require.Equal(t, whole(string(text)), got)
	})
}

func TestFields(t *testing.T) {
	for _, tt := range []struct{ event, name, data string }{
		{"data: x\n\n", "", "x"},
		{"event: error\r\ndata:{\"a\":1}\r\n\r\n", "error", `{"a":1}`},
		{"event:a\rdata: {\rdata: }\r\r", "a", "{\n}"},
		{"\ufeffdata: x\n\n", "", "x"},
		{": comment\nid: 5\nretry: 3\n\n", "", ""},
		{"data\ndata: b\ndata: c\n\n", "", "\nb\nc"},
		{"data: a: b", "", "a: b"},
		{"", "", ""},
	} {
		name, data := wire.Fields([]byte(tt.event))
		require.Equal(t, tt.name, string(name), "%q", tt.event)
		require.Equal(t, tt.data, string(data), "%q", tt.event)
	}
}

// A long text without line ends, or with one kind alone, takes linear time.
func TestSplitterIsLinear(t *testing.T) {
	text := bytes.Repeat([]byte("x\r"), 1<<20)
	var s wire.Splitter
	end, _ := s.Next(text)
	require.Zero(t, end)
}

func BenchmarkValid(b *testing.B) {
	text := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("The crate waits for the next ship. ", 400) + `"}]}`)
	b.Run("wire", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			wire.Valid(text)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			json.Valid(text)
		}
	})
}
