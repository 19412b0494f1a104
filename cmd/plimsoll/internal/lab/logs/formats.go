package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// readGeneric reads an object with the members time, model, input_tokens and
// output_tokens; and, where known, max_tokens, status, deployment and id, which the attempts
// of one call share.
func (l *Log) readGeneric(o object) ([]record, error) {
	l.Records++
	begin, err := o.time("time", "timestamp")
	if err != nil {
		return nil, err
	}
	if ms := o["time_ms"]; begin.IsZero() && ms != nil {
		n, err := o.tokens("time_ms")
		if err != nil {
			return nil, fmt.Errorf("arrival_ms is %.40q; want a whole number from 0 to %d", fmt.Sprint(ms), MaxTokens)
		}
		begin = time.UnixMilli(n).UTC()
	}
	r := record{begin: begin, model: o.text("model"), deployment: hash(o.text("deployment")), key: hash(o.text("id", "request_id"))}
	if begin.IsZero() || r.model == "" {
		return nil, errors.New("no time or no model; want time, model, input_tokens and output_tokens")
	}
	return l.counted(r, o, []string{"input_tokens"}, []string{"output_tokens"}, []string{"max_tokens"}, o.text("status"))
}

// readSpend reads a row of LiteLLM's table of spend logs.
func (l *Log) readSpend(o object) ([]record, error) {
	l.Records++
	if t := o.text("call_type"); t != "" && !strings.Contains(t, "completion") && !strings.Contains(t, "responses") && !strings.Contains(t, "messages") {
		l.Skipped++
		return nil, nil
	}
	if hit := o.text("cache_hit"); strings.EqualFold(hit, "true") {
		l.Skipped++ // LiteLLM answered it, and no provider
		return nil, nil
	}
	begin, err := o.time("startTime")
	if err != nil {
		return nil, err
	}
	end, err := o.time("endTime")
	if err != nil {
		return nil, err
	}
	r := record{
		begin: begin, end: end, model: o.text("model_group", "model"),
		deployment: hash(o.text("model_id", "api_base")), key: hash(o.text("litellm_trace_id", "session_id", "litellm_call_id", "request_id")),
	}
	if begin.IsZero() || r.model == "" {
		l.Skipped++ // rows of failed authentication have no model
		return nil, nil
	}
	return l.counted(r, o, []string{"prompt_tokens"}, []string{"completion_tokens"}, []string{"max_tokens"}, spendStatus(o))
}

// spendStatus returns the status of a row: that of its error, if its metadata names one.
func spendStatus(o object) string {
	if !strings.EqualFold(o.text("status"), "failure") {
		return "200"
	}
	metadata, _ := o["metadata"].(map[string]any)
	if s, ok := o["metadata"].(string); ok {
		_ = json.Unmarshal([]byte(s), &metadata) // none is as good as one that cannot be read
	}
	info, _ := metadata["error_information"].(map[string]any)
	code := object(info).text("error_code")
	if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
		return code
	}
	if strings.Contains(object(info).text("error_class"), "RateLimit") {
		return "429"
	}
	return "500"
}

// counted completes a record with tokens and status.
func (l *Log) counted(r record, o object, input, output, most []string, status string) ([]record, error) {
	var err error
	for _, f := range []struct {
		to    *int64
		names []string
	}{{&r.input, input}, {&r.output, output}, {&r.maxOutput, most}} {
		if *f.to, err = o.tokens(f.names...); err != nil {
			return nil, err
		}
	}
	switch strings.ToLower(status) {
	case "":
	case "success", "ok":
		r.status = 200
	case "failure", "error":
		r.status = 500
	default:
		if r.status, err = strconv.Atoi(status); err != nil || r.status < 100 || r.status > 599 {
			return nil, fmt.Errorf("status is %.40q; want an HTTP status, success or failure", status)
		}
	}
	return []record{r}, nil
}

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

func (l *Log) readSpan(span object) ([]record, error) {
	a := object{}
	for _, kv := range children(span, "attributes") {
		if value, ok := kv["value"].(map[string]any); ok {
			if _, v := object(value).first("stringValue", "intValue", "doubleValue"); v != nil {
				a[kv.text("key")] = v
			}
		}
	}
	model := a.text("gen_ai.request.model", "gen_ai.response.model")
	if model == "" || strings.HasPrefix(a.text("gen_ai.operation.name"), "embed") {
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
	r := record{begin: begin, model: model, deployment: hash(a.text("server.address")), key: hash(span.text("traceId", "trace_id"))}
	status := a.text("http.response.status_code")
	if kind := a.text("error.type"); status == "" && kind != "" {
		if status = "500"; strings.Contains(strings.ToLower(kind), "ratelimit") || strings.Contains(kind, "429") || strings.Contains(kind, "rate_limit") {
			status = "429"
		}
	}
	if status == "" {
		status = "200"
	}
	return l.counted(r, a, []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"},
		[]string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"}, []string{"gen_ai.request.max_tokens"}, status)
}
