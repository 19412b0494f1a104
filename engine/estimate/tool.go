package estimate

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Tool is a function that a model may call.
type Tool struct {
	Name        string
	Description string
	// Parameters is the JSON Schema of the arguments, an object; "" = none. At
	// most [MaxSchema] bytes.
	Parameters string
}

// MaxSchema is the size of the largest schema of a tool, in bytes.
const MaxSchema = 1 << 20

// The tokens of tools beyond those of their texts, by OpenAI's published rule; see perMessage.
const (
	perProperties = 3 // once in a schema that has any
	perProperty   = 3
	perEnum       = -3 // once in a property that lists values
	perValue      = 3
	perTools      = 12 // once in a request that has any
)

// perTool is the tokens of each tool: of gpt-4o, and of gpt-4 and gpt-3.5.
var perTool = [encodings]int64{O200K: 7, CL100K: 10}

func tools(c Counter, list []Tool) (int64, error) {
	total := int64(perTools)
	for i, t := range list {
		n, err := c.Text(line(t.Name, t.Description))
		if err != nil {
			return 0, fmt.Errorf("tool %d: %w", i, err)
		}
		total += perTool[c.Encoding().Encoding()] + n
		if t.Parameters == "" {
			continue
		}
		if len(t.Parameters) > MaxSchema {
			return 0, fmt.Errorf("tool %d: %w: parameters of %d bytes, at most %d", i, ErrTooLong, len(t.Parameters), MaxSchema)
		}
		var schema map[string]any
		if err := json.Unmarshal([]byte(t.Parameters), &schema); err != nil {
			return 0, fmt.Errorf("tool %d: parameters: %w", i, err)
		}
		w := schemaWalk{counter: c}
		w.schema(schema)
		if w.err != nil {
			return 0, fmt.Errorf("tool %d: %w", i, w.err)
		}
		total += max(w.total, 0)
	}
	return total, nil
}

// line returns the text of a tool or a property by the rule: its parts with colons
// between, without a full stop at the end.
func line(parts ...string) string {
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return strings.TrimSuffix(strings.Join(parts, ":"), ".")
}

// A schemaWalk adds up the tokens of a schema. The published rule is for properties of
// plain types; properties of nested objects are counted in the same way. Members of an unexpected
// type are ignored. encoding/json bounds the depth.
type schemaWalk struct {
	counter Counter
	total   int64
	err     error // the first
}

func (w *schemaWalk) schema(s map[string]any) {
	if len(s) == 0 || w.err != nil {
		return
	}
	if properties := object(s["properties"]); len(properties) > 0 {
		w.total += perProperties
		for name, p := range properties {
			w.property(name, object(p))
		}
	}
	for _, key := range [...]string{"items", "additionalProperties"} {
		w.schema(object(s[key]))
	}
	for _, key := range [...]string{"anyOf", "oneOf", "allOf", "prefixItems"} {
		alternatives, _ := s[key].([]any)
		for _, a := range alternatives {
			w.schema(object(a))
		}
	}
	for _, key := range [...]string{"$defs", "definitions"} {
		for _, d := range object(s[key]) {
			w.schema(object(d))
		}
	}
}

func (w *schemaWalk) property(name string, p map[string]any) {
	w.total += perProperty
	if values, _ := p["enum"].([]any); len(values) > 0 {
		w.total += perEnum
		for _, v := range values {
			w.total += perValue
			w.text(plain(v))
		}
	}
	description, _ := p["description"].(string)
	w.text(line(name, plain(p["type"]), description))
	w.schema(p)
}

func (w *schemaWalk) text(s string) {
	if w.err != nil {
		return
	}
	n, err := w.counter.Text(s)
	w.total += n
	w.err = err
}

// object returns v if it is a JSON object, else an empty one.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// plain returns a string as it is, and any other JSON value as JSON.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "" // impossible: the value was decoded from JSON
	}
	return string(data)
}
