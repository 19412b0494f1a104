package wire_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

func TestWith(t *testing.T) {
	names := []string{"model", "tags", "priority", "x"}
	remove := func(names ...string) (list []wire.Value) {
		for _, n := range names {
			list = append(list, wire.Value{Name: n})
		}
		return list
	}
	for _, tt := range []struct {
		text   string
		values []wire.Value
		want   string
	}{
		{`{"model":"a","tags":[1]}`, remove("tags"), `{"model":"a"}`},
		{`{"tags":[1],"model":"a"}`, remove("tags"), `{"model":"a"}`},
		{`{ "tags" : [1] , "priority" : 2 , "model":"a"}`, remove("tags", "priority"), `{   "model":"a"}`},
		{`{"model":"a","tags":[1],"priority":2}`, remove("priority", "tags"), `{"model":"a"}`},
		{`{"tags":[1],"y":0,"priority":2}`, remove("tags", "priority"), `{"y":0}`},
		{`{"y":0,"tags":[1],"model":"a","priority":2 }`, append(remove("tags", "priority"), wire.Value{Name: "model", Text: []byte(`"b"`)}, wire.Value{Name: "x", Text: []byte(`1`)}), `{"x":1,"y":0,"model":"b" }`},
		{`{"model":"a"}`, remove("tags"), `{"model":"a"}`},
	} {
		o, err := wire.Parse([]byte(tt.text), names)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(bytes.Join(o.With(tt.values), nil)), tt.text)
	}
}

// FuzzWith: members that are removed, replaced or added are, and all others stay.
func FuzzWith(f *testing.F) {
	f.Add([]byte(`{"a":1, "b" :[2], "c":{"a":3},"d":"\\""}`), byte(0b1011), byte(1))
	f.Add([]byte(`{"b":1,"a":2}`), byte(0b11), byte(0))
	f.Add([]byte(`{"stays":1}`), byte(0b1111), byte(0b101))
	f.Fuzz(func(t *testing.T, text []byte, touched, removed byte) {
		names := []string{"a", "b", "c", "d"}
		o, err := wire.Parse(text, names)
		var want map[string]json.RawMessage
		if err != nil || json.Unmarshal(text, &want) != nil {
			return
		}
		old := maps.Clone(want)
		var values []wire.Value
		for i, name := range names {
			switch {
			case touched>>i&1 == 0:
			case removed>>i&1 == 1:
				values = append(values, wire.Value{Name: name})
				delete(want, name)
			default:
				values = append(values, wire.Value{Name: name, Text: []byte("7")})
				want[name] = json.RawMessage("7")
			}
		}
		left := len(old)
		for _, v := range values {
			if _, ok := old[v.Name]; ok && v.Text == nil {
				left--
			}
		}
		if left == 0 { // one member has to stay
			return
		}
		var got map[string]json.RawMessage
		out := bytes.Join(o.With(values), nil)
		require.NoError(t, json.Unmarshal(out, &got), "%s", out)
		require.Equal(t, want, got)
	})
}
