package logs

import (
	"cmp"
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
			return nil, fmt.Errorf("arrival_ms is %s; want a whole number from 0 to %d", shown(ms), MaxTokens)
		}
		begin = time.UnixMilli(n).UTC()
	}
	r := record{begin: begin, model: o.text("model"), deployment: one(hash(o.text("deployment"))), key: digest(o.text("id", "request_id"))}
	r.model = one(r.model)
	if begin.IsZero() || r.model == "" {
		return nil, errors.New("no time or no model; want time, model, input_tokens and output_tokens, a row of LiteLLM_SpendLogs, or spans as OTLP's JSON")
	}
	records, err := l.counted(r, o, []string{"input_tokens"}, []string{"output_tokens"}, []string{"max_tokens"}, o.text("status"))
	if err == nil && records[0].status < 400 { // two equal ones that failed may be two attempts
		records[0].row = r.key
	}
	return records, err
}

// readSpend reads a row of LiteLLM's table of spend logs.
func (l *Log) readSpend(o object) ([]record, error) {
	l.Records++
	if t := o.text("call_type"); t != "" && !strings.Contains(t, "completion") && !strings.Contains(t, "generate_content") && !strings.Contains(t, "responses") && !strings.Contains(t, "messages") {
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
	r := record{
		begin: begin, model: one(o.text("model_group", "model")), deployment: one(hash(o.text("model_id", "api_base"))),
		key: digest(o.text("litellm_trace_id", "session_id", "litellm_call_id", "request_id")), row: digest(o.text("request_id")),
	}
	if begin.IsZero() || r.model == "" {
		l.Skipped++ // rows of failed authentication have no model
		return nil, nil
	}
	return l.counted(r, o, []string{"prompt_tokens"}, []string{"completion_tokens"}, []string{"max_tokens"}, spendStatus(o))
}

// spendStatus returns the status of a row: that of its error, if its metadata names one. Rows
// of old versions have none.
func spendStatus(o object) string {
	metadata, _ := o["metadata"].(map[string]any)
	if s, ok := o["metadata"].(string); ok {
		_ = json.Unmarshal([]byte(s), &metadata) // none is as good as one that cannot be read
	}
	switch status := cmp.Or(o.text("status"), object(metadata).text("status")); {
	case status == "":
		return ""
	case !strings.EqualFold(status, "failure"):
		return "200"
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
			return nil, fmt.Errorf("status is %s; want an HTTP status, success or failure", shown(status))
		}
	}
	return []record{r}, nil
}
