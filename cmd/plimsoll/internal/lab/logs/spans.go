package logs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// readSpans reads a batch of spans in OTLP's JSON. Spans of calls are those with the
// attribute gen_ai.request.model or gen_ai.response.model.
func (l *Log) readSpans(o object) ([]record, error) {
	var records []record
	for _, resource := range children(o, "resourceSpans", "resource_spans") {
		for _, scope := range children(resource, "scopeSpans", "scope_spans") {
			for _, span := range children(scope, "spans") {
				l.Records++
				got, err := l.readSpan(span)
				if err != nil {
					return nil, fmt.Errorf("span %s: %w", hash(span.text("spanId", "span_id")), err)
				}
				records = append(records, got...)
			}
		}
	}
	return records, nil
}

func children(o object, names ...string) []object {
	_, v := o.first(names...)
	list, _ := v.([]any)
	var out []object
	for _, c := range list {
		if m, ok := c.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// otherWork are the beginnings of the values of gen_ai.operation.name, or of llm.request.type,
// of spans that are no call of a model, though they may name one and sum up its tokens.
var otherWork = []string{"embed", "create_", "invoke_", "execute_", "retriev", "rerank", "plan"}

func (l *Log) readSpan(span object) ([]record, error) {
	a := attributes(span)
	model := a.text("gen_ai.request.model", "gen_ai.response.model")
	operation, request := a.text("gen_ai.operation.name"), a.text("llm.request.type")
	if model == "" || slices.ContainsFunc(otherWork, func(work string) bool {
		return strings.HasPrefix(operation, work) || strings.HasPrefix(request, work)
	}) {
		l.Skipped++
		return nil, nil
	}
	begin, err := span.time("startTimeUnixNano", "start_time_unix_nano")
	if err != nil {
		return nil, err
	}
	if begin.IsZero() {
		return nil, errors.New("no startTimeUnixNano; want nanoseconds since 1970")
	}
	trace := span.text("traceId", "trace_id")
	r := record{begin: begin, model: one(model), deployment: one(hash(a.text("server.address"))), key: digest(trace)}
	if id := span.text("spanId", "span_id"); id != "" {
		r.row = digest(trace + " " + id)
	}
	if id := span.text("parentSpanId", "parent_span_id"); id != "" {
		r.parent = digest(trace + " " + id)
	}
	return l.counted(r, a, []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"},
		[]string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"}, []string{"gen_ai.request.max_tokens"}, spanStatus(span, a))
}

// attributes returns the attributes of a span, or of one of its events, that are text or
// numbers.
func attributes(of object) object {
	a := object{}
	for _, kv := range children(of, "attributes") {
		if value, ok := kv["value"].(map[string]any); ok {
			if _, v := object(value).first("stringValue", "intValue", "doubleValue"); v != nil {
				a[kv.text("key")] = v
			}
		}
	}
	return a
}

// spanStatus returns the status of a call: that of its answer, that of its error, or, of a span
// that says it failed and not how, 429 if its message or exception is one of rate limits.
func spanStatus(span, a object) string {
	status := a.text("http.response.status_code", "http.status_code")
	if n, err := strconv.Atoi(status); err == nil && n >= 400 {
		return status
	}
	kind := a.text("error.type")
	outcome, _ := span["status"].(map[string]any)
	if code := object(outcome).text("code"); code == "2" || code == "STATUS_CODE_ERROR" {
		kind += " " + object(outcome).text("message")
		for _, event := range children(span, "events") {
			kind += " " + attributes(event).text("exception.type")
		}
	}
	if kind == "" {
		return "200"
	}
	kind = strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(kind))
	if strings.Contains(kind, "429") || strings.Contains(kind, "ratelimit") || strings.Contains(kind, "toomanyrequests") {
		return "429"
	}
	return "500"
}
