package api_test

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// schema is the part of JSON Schema that the description uses.
type schema struct {
	Ref        string             `yaml:"$ref"`
	Type       string             `yaml:"type"`
	Format     string             `yaml:"format"`
	Enum       []string           `yaml:"enum"`
	Items      *schema            `yaml:"items"`
	Properties map[string]*schema `yaml:"properties"`
	Required   []string           `yaml:"required"`
	OneOf      []schema           `yaml:"oneOf"`
	Additional any                `yaml:"additionalProperties"`
	MaxItems   int                `yaml:"maxItems"`
	Maximum    int64              `yaml:"maximum"`
}

type content struct {
	Ref     string `yaml:"$ref"`
	Content map[string]struct{ Schema schema }
}

type description struct {
	Openapi string
	Paths   map[string]map[string]struct {
		RequestBody *content `yaml:"requestBody"`
		Responses   map[string]content
		Parameters  []struct{ Name, In string }
	}
	Components struct {
		Schemas   map[string]*schema
		Responses map[string]content
	}
}

func described(t testing.TB) description {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/openapi.yaml")
	require.NoError(t, err)
	var d description
	require.NoError(t, yaml.Unmarshal(text, &d))
	require.Equal(t, "3.1.0", d.Openapi)
	return d
}

// The description has the routes that there are, with the bodies and the answers
// that the handlers take and give.
func TestOpenAPI(t *testing.T) {
	d := described(t)
	var want, got []string
	for _, op := range api.Operations() {
		path := strings.ReplaceAll(op.Path, "...}", "}")
		want = append(want, op.Method+" "+path)
		o := d.Paths[path][strings.ToLower(op.Method)]
		if op.In != nil {
			require.NotNil(t, o.RequestBody, path)
			d.compare(t, path+" body", o.RequestBody.Content["application/json"].Schema, op.In, true)
		}
		d.compare(t, path+" answer", o.Responses["200"].Content["application/json"].Schema, op.Out, false)
		for status, r := range o.Responses {
			if status != "200" {
				require.Equal(t, "#/components/responses/E"+status, r.Ref, path)
			}
		}
	}
	for path, methods := range d.Paths {
		for method := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	require.ElementsMatch(t, want, got)
	for name, r := range d.Components.Responses {
		d.compare(t, name, r.Content["application/json"].Schema, api.Problem, false)
	}
}

// compare fails unless the schema describes what the type is in JSON. Of a body
// that is taken in, which fields are required is not the type's to say.
func (d description) compare(t *testing.T, at string, s schema, typ reflect.Type, in bool) {
	t.Helper()
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		require.Contains(t, d.Components.Schemas, name, at)
		s = *d.Components.Schemas[name]
		at += " " + name
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		require.Equal(t, []string{"string", "date-time"}, []string{s.Type, s.Format}, at)
		return
	case typ == reflect.TypeFor[engine.Limit]():
		require.Equal(t, "string", s.Type, at)
		return
	}
	switch typ.Kind() {
	case reflect.Interface:
		require.Empty(t, s.Type, at)
	case reflect.String:
		require.Equal(t, "string", s.Type, at)
	case reflect.Bool:
		require.Equal(t, "boolean", s.Type, at)
	case reflect.Int, reflect.Int64:
		require.Equal(t, "integer", s.Type, at)
	case reflect.Float64:
		require.Equal(t, "number", s.Type, at)
	case reflect.Slice:
		require.Equal(t, "array", s.Type, at)
		d.compare(t, at+"[]", *s.Items, typ.Elem(), in)
	case reflect.Map:
		require.Equal(t, "object", s.Type, at)
		require.Equal(t, reflect.String, typ.Elem().Kind(), at)
		require.Equal(t, map[string]any{"type": "string"}, s.Additional, at)
	case reflect.Struct:
		require.Equal(t, "object", s.Type, at)
		if in {
			require.Equal(t, false, s.Additional, at)
		}
		types, always := members(typ)
		require.ElementsMatch(t, slices.Collect(maps.Keys(types)), slices.Collect(maps.Keys(s.Properties)), at)
		if !in {
			require.ElementsMatch(t, always, s.Required, at)
		}
		for name, p := range s.Properties {
			d.compare(t, at+"."+name, *p, types[name], in)
		}
	default:
		t.Fatalf("%s: %v has no place in JSON", at, typ)
	}
}

// members returns a struct's members in JSON, and those that are always there.
func members(typ reflect.Type) (types map[string]reflect.Type, always []string) {
	types = map[string]reflect.Type{}
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			more, must := members(inner)
			maps.Copy(types, more)
			always = append(always, must...)
			continue
		}
		if name == "-" {
			continue
		}
		types[name] = f.Type
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}
	return types, always
}

// What the description calls required is what is missed, and the statuses that
// come are described.
func TestOpenAPIRequired(t *testing.T) {
	d, s := described(t), newService(t)
	ended := post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)["lease"].(string)
	post[fields](t, s, "/v1/release", `{"lease":"`+ended+`"}`, 200)
	for path, methods := range d.Paths {
		o, ok := methods["post"]
		if !ok {
			continue
		}
		name := strings.TrimPrefix(o.RequestBody.Content["application/json"].Schema.Ref, "#/components/schemas/")
		required := d.Components.Schemas[name].Required
		if one := d.Components.Schemas[name].OneOf; len(one) > 0 {
			required = append(slices.Clone(required), one[0].Required...)
		}
		values := map[string]string{"group": `"chat"`, "deployment": `"east"`, "lease": `"l-0123456789abcdef"`, "usage": `{}`, "requests": `[{}]`, "status": `200`}
		for _, without := range append(slices.Clone(required), "") {
			var parts []string
			for _, field := range required {
				if field != without {
					parts = append(parts, `"`+field+`":`+values[field])
				}
			}
			got := s.do("POST", path, "{"+strings.Join(parts, ",")+"}")
			if without != "" {
				require.Equal(t, 400, got.status, path)
				require.Contains(t, got.body, `"field":"`+without+`"`, path)
			} else {
				require.NotEqual(t, 400, got.status, path+got.body)
			}
		}
		for _, body := range []string{`{}`, `{"group":"none"}`, `{"group":"idle"}`, `{"group":"chat","tags":["x"]}`, `{"group":"chat","input_tokens":9999}`, `{"deployment":"none"}`, `{"deployment":"off"}`, `{"lease":"x"}`, `{"lease":"x","status":200}`, `{"lease":"` + ended + `","status":200}`, `{"deployment":"none","status":200}`} {
			got := s.do("POST", path, body)
			require.Contains(t, o.Responses, strconv.Itoa(got.status), "%s %s", path, body)
		}
	}
	require.Equal(t, api.MaxStates, d.Components.Schemas["Error"].Properties["states"].MaxItems)
	require.Equal(t, api.MaxWait.Milliseconds(), d.Components.Schemas["Acquire"].Properties["wait_ms"].Maximum)
	var kinds []string
	for k := provider.Fine; !strings.HasPrefix(k.String(), "Kind("); k++ {
		kinds = append(kinds, strings.ReplaceAll(k.String(), " ", "_"))
	}
	require.Equal(t, kinds, d.Components.Schemas["Observed"].Properties["kind"].Enum)
	limits := d.Components.Schemas["Error"].Properties["limit"].Enum
	for l := engine.LimitNone + 1; !strings.HasPrefix(l.String(), "Limit("); l++ {
		require.Contains(t, limits, l.String())
	}
}
