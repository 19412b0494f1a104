package wire_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// FuzzWalk: of valid JSON the walk finds the members and elements that
// encoding/json does, at every level; of anything else it ends.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2 , {"b":"\\\"}"}],"c":{}, "d" : [ ] ,"e":-1.5e3,"f":null,"\u0067":"\u00e9"}`,
		` [ true,false , "x" ,[[]],{"":""} ] `, `{}`, `[]`, `"\\"`, `7`, `{"a"`, `{"a":`, `{"a"x`, `[1,`, `{]`, `[}`, `{"`, `{,`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if json.Valid(text) {
			compareWalk(t, bytes.TrimSpace(text))
			return
		}
		for range wire.Members(text) {
			continue
		}
		for range wire.Elements(text) {
			continue
		}
		_ = wire.Unquote(text)
	})
}

func compareWalk(t *testing.T, text []byte) {
	t.Helper()
	require.Equal(t, len(text), wire.Skip(text, 0), "skip(%q)", text)
	switch text[0] {
	case '[':
		var want, got []json.RawMessage
		require.NoError(t, json.Unmarshal(text, &want))
		for v := range wire.Elements(text) {
			got = append(got, v)
			compareWalk(t, v)
		}
		require.Len(t, got, len(want), "%q", text)
		for i := range got {
			require.Equal(t, string(want[i]), string(got[i]))
		}
	case '{':
		want, got := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		require.NoError(t, json.Unmarshal(text, &want))
		for name, v := range wire.Members(text) {
			var clean string // encoding/json replaces invalid UTF-8 in names
			require.NoError(t, json.Unmarshal(wire.Quote(name), &clean))
			got[clean] = v
			require.NotNil(t, wire.Get(text, name))
			compareWalk(t, v)
		}
		require.Len(t, got, len(want), "%q", text)
		for name, v := range want {
			require.Equal(t, string(v), string(got[name]), "%q", text)
		}
	case '"':
		var want, got string
		require.NoError(t, json.Unmarshal(text, &want))
		require.NoError(t, json.Unmarshal(wire.Quote(wire.Unquote(text)), &got))
		require.Equal(t, want, got, "%q", text)
	}
}

// FuzzObject: replacing members changes them and nothing else.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"model":"chat","stream":true}`), "gpt-4o")
	f.Add([]byte(` {"a":{"model":1} , "model" : "x","b":1e5}`), "é\"\n")
	f.Add([]byte(`{"x":1,"x":2}`), "")
	f.Fuzz(func(t *testing.T, text []byte, to string) {
		o, err := wire.Parse(text, []string{"model", "stream"})
		var before, after map[string]json.RawMessage
		if json.Unmarshal(text, &before) != nil || before == nil {
			require.Error(t, err, "%q", text)
			return
		}
		if err != nil || len(before) == 0 {
			return
		}
		require.Equal(t, string(before["model"]), string(o.Get("model")), "%q", text)
		out := bytes.Join(o.With([]wire.Value{{Name: "model", Text: wire.Quote(to)}}), nil)
		require.NoError(t, json.Unmarshal(out, &after), "%q became %q", text, out)
		before["model"] = wire.Quote(to)
		require.Equal(t, before, after)
		require.NoError(t, json.Unmarshal(text, &before), "the text itself has changed")
	})
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`: "it is not a JSON object", `{`: "its JSON is incomplete", ``: "its JSON is incomplete", `{}{}`: "something follows its JSON", `x`: "it is not JSON",
		`{"model":1,"MODEL":2}`: `its member "model" stands twice or in another case`, `{"model":1,"mod\u0065l":2}`: `its member "model" stands twice or in another case`,
	} {
		_, err := wire.Parse([]byte(text), []string{"model"})
		require.EqualError(t, err, want, "%q", text)
	}
	_, err := wire.Parse([]byte(`{"x":1,"x":2,"X":3}`), []string{"model"})
	require.NoError(t, err)
}
