package proxy

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func rename(t *testing.T, src io.Reader, stream bool) string {
	t.Helper()
	r := &renamed{src: io.NopCloser(src), stream: stream, name: func(raw string) string { return "new-" + raw }}
	out, err := io.ReadAll(iotest.OneByteReader(r))
	require.NoError(t, err)
	return string(out)
}

func TestRename(t *testing.T) {
	for _, tt := range []struct {
		text   string
		stream bool
		want   string
	}{
		{`{"id":"r1"}`, false, `{"id":"new-r1"}`},
		{
			`{"x":{"id":"no"},"y":["id",{"id":"no"}],"z":"\"id\":\"no\"","id" : "r1","again":"r1","text":"\"r1\"","previous_response_id":"r0","r0":"r0"}`, false,
			`{"x":{"id":"no"},"y":["id",{"id":"no"}],"z":"\"id\":\"no\"","id" : "new-r1","again":"new-r1","text":"\"r1\"","previous_response_id":"new-r0","new-r0":"new-r0"}`,
		},
		{`{"id":null,"a":1}`, false, `{"id":null,"a":1}`},
		{`["id"]`, false, `["id"]`},
		{``, false, ``},
		{`{"id":"r1`, false, `{"id":"r1`},
		{
			": ping\n\nevent: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"object\":\"response\",\"id\":\"r1\"}}\n\ndata: {\"delta\":\"r1 \\\"r1\\\"\"}\n\ndata: {\"response\":{\"id\":\"r1\"}}\n\n", true,
			": ping\n\nevent: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"object\":\"response\",\"id\":\"new-r1\"}}\n\ndata: {\"delta\":\"r1 \\\"r1\\\"\"}\n\ndata: {\"response\":{\"id\":\"new-r1\"}}\n\n",
		},
		// A client that names another's response gets no id for it.
		{
			`{"id":"r1","metadata":{"previous_response_id":"other"},"tools":[{"previous_response_id":"other"}],"previous_response_id":"r0","text":"\"previous_response_id\":\"other\""}`, false,
			`{"id":"new-r1","metadata":{"previous_response_id":"other"},"tools":[{"previous_response_id":"other"}],"previous_response_id":"new-r0","text":"\"previous_response_id\":\"other\""}`,
		},
		{
			"data: {\"response\":{\"id\":\"r1\",\"metadata\":{\"previous_response_id\":\"other\"},\"previous_response_id\":\"r0\"}}\r\n\r\ndata: {\"x\":{\"y\":{\"previous_response_id\":\"other\"}},\"previous_response_id\":\"other\"}\n\n", true,
			"data: {\"response\":{\"id\":\"new-r1\",\"metadata\":{\"previous_response_id\":\"other\"},\"previous_response_id\":\"new-r0\"}}\r\n\r\ndata: {\"x\":{\"y\":{\"previous_response_id\":\"other\"}},\"previous_response_id\":\"other\"}\n\n",
		},
		{"data: {\"error\":{}}\n\n", true, "data: {\"error\":{}}\n\n"},
	} {
		for _, src := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text)), iotest.HalfReader(strings.NewReader(tt.text))} {
			require.Equal(t, tt.want, rename(t, src, tt.stream))
		}
	}
}

// Events that come before the one that names the response need not wait for it.
func TestRenameHoldsNothingBack(t *testing.T) {
	src, w := io.Pipe()
	r := &renamed{src: src, stream: true, name: func(raw string) string { return "new" }}
	read := func() string {
		p := make([]byte, 1000)
		n, err := r.Read(p)
		require.NoError(t, err)
		return string(p[:n])
	}
	for _, event := range []string{"event: ping\ndata: {}\n\n", "data: {\"response\":{\"id\":\"r\"}}\n\n", "data: {\"delta\":\"x\"}\n\n"} {
		go func() { _, _ = io.WriteString(w, event) }()
		require.Equal(t, strings.ReplaceAll(event, `"r"`, `"new"`), read())
	}
}

// FuzzRename: however reads cut an answer, the outcome is the same, and without an id
// nothing changes.
func FuzzRename(f *testing.F) {
	f.Add([]byte(`{"id":"r1","previous_response_id":"r0","x":"r1"}`), false, byte(1))
	f.Add([]byte("data: {\"response\":{\"id\":\"r1\"}}\n\ndata: \"r1\"\n\n"), true, byte(3))
	f.Add([]byte("data: {\"response\"0{\"id\"0\"r1\"r1\"0"), true, byte(3)) // a quote ends one id and could begin another
	f.Add([]byte(`{"a":"\"previous_response_id\":\"x","id":"r`), false, byte(2))
	f.Fuzz(func(t *testing.T, text []byte, stream bool, size byte) {
		whole := rename(t, bytes.NewReader(text), stream)
		if got := rename(t, &inSlices{text: text, size: 1 + int(size)}, stream); got != whole && !bytes.Contains(text, []byte(`"previous_response_id"`)) {
			t.Errorf("%q became %q in pieces, %q at once", text, got, whole)
		}
		if !bytes.Contains(text, []byte("id\"")) && whole != string(text) {
			t.Errorf("%q became %q", text, whole)
		}
	})
}

// inSlices is a reader that returns a text in slices of one size.
type inSlices struct {
	text []byte
	size int
}

func (s *inSlices) Read(p []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.text[:min(s.size, len(s.text))])
	s.text = s.text[n:]
	return n, nil
}

// endless repeats a text.
type endless string

func (e endless) Read(p []byte) (int, error) {
	for n := 0; n < len(p); n += len(e) {
		copy(p[n:], e)
	}
	return len(p), nil
}

// An answer whose id or member never ends is passed on, and does not fill the memory.
func TestRenameKeepsLittle(t *testing.T) {
	for _, begin := range []string{
		`{"id":"r1","previous_response_id":"`, `{"id":"r1","previous_response_id" `, `{"id":"r1","previous_response_id":`, `{"id":"`, `{"id"`, `{"x":"`,
		`{"id":"r1","previous_response_id":"\`,
	} {
		for _, more := range []string{"A", " ", `\"`, "{", `\`} {
			r := &renamed{src: io.NopCloser(io.MultiReader(strings.NewReader(begin), io.LimitReader(endless(more), 4<<20))), name: func(raw string) string { return "new-" + raw }}
			most, p := 0, make([]byte, 4096)
			for err := error(nil); err == nil; _, err = r.Read(p) {
				most = max(most, cap(r.buf))
			}
			require.Less(t, most, 1<<20, begin+more)
		}
	}
	whole := `{"id":"r1","previous_response_id":` + strings.Repeat(" ", 5000) + `"r0","r1":"r0"}`
	want := strings.ReplaceAll(whole, `"r1"`, `"new-r1"`)
	for _, src := range []io.Reader{strings.NewReader(whole), iotest.OneByteReader(strings.NewReader(whole))} {
		require.Equal(t, want, rename(t, src, false))
	}
}
