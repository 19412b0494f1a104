package provider

import (
	"bytes"
	"encoding/json"
	"strings"
)

const (
	maxBody    = 64 << 10 // how much of a refusal is read
	maxMessage = 4 << 10  // how much of its message is searched
)

// refusal is the body of a refusal, or an error event, as far as it matters.
type refusal struct {
	code, kind, status, message string // in lower case, except message
	reasons, lower              string // google.rpc.ErrorInfo and inner codes; the message; in lower case
	retry                       string // google.rpc.RetryInfo
	quotas                      []quota
	headers                     map[string]json.RawMessage // repeated in the body by OpenRouter
	wrapped                     bool                       // it stands under "error", as nothing but a refusal does
}

// quota is a violation that google.rpc.QuotaFailure lists.
type quota struct{ id, value string }

// rawError is what the providers' errors have in common. Fields are raw because
// providers disagree on what is text and what is a number.
type rawError struct {
	Code, Type, Status, Message json.RawMessage
	AWSType                     json.RawMessage                `json:"__type"`
	ErrorType                   json.RawMessage                `json:"error_type"`
	Inner                       struct{ Code json.RawMessage } `json:"innererror"`
	Detail                      json.RawMessage                // FastAPI's, where there is no message
	Details                     []rawDetail
	Metadata                    struct { // OpenRouter's
		Headers map[string]json.RawMessage
		Raw     json.RawMessage
	}
}

type rawDetail struct {
	Reason     json.RawMessage
	RetryDelay json.RawMessage `json:"retryDelay"`
	Violations []struct {
		QuotaID    json.RawMessage `json:"quotaId"`
		QuotaValue json.RawMessage `json:"quotaValue"`
	}
}

// readRefusal reads a body; what is not JSON it takes as a message.
func readRefusal(body []byte) refusal {
	f := parseRefusal(body)
	f.lower = strings.ToLower(f.message)
	return f
}

func parseRefusal(body []byte) refusal {
	if len(body) > maxBody {
		body = body[:maxBody]
	}
	body = bytes.TrimSpace(body)
	var list []json.RawMessage // Gemini's streams wrap an error in a list
	if len(body) != 0 && body[0] == '[' && json.Unmarshal(body, &list) == nil && len(list) != 0 {
		body = list[0]
	}
	var outer struct {
		Error    json.RawMessage
		Errors   []json.RawMessage               // Cloudflare
		Response struct{ Error json.RawMessage } // response.failed of OpenAI's Responses
	}
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &outer) != nil && !json.Valid(body) {
		return refusal{message: string(body[:min(len(body), maxMessage)])}
	}
	in, wrapped, plain := body, false, ""
	for _, e := range append(outer.Errors, outer.Error, outer.Response.Error) {
		if len(e) != 0 && e[0] == '{' {
			in, wrapped = e, true
			break
		}
		if len(e) != 0 && e[0] == '"' {
			plain, wrapped = text(e), true
			break
		}
	}
	var e rawError
	// What does not fit is left out; the rest is filled in all the same.
	_ = json.Unmarshal(in, &e)
	f := refusal{
		wrapped: wrapped,
		code:    strings.ToLower(text(e.Code)), kind: strings.ToLower(text(e.Type)),
		status: strings.ToLower(text(e.Status)), message: text(e.Message), reasons: strings.ToLower(text(e.Inner.Code)),
		headers: e.Metadata.Headers,
	}
	for _, other := range []string{plain, text(e.Detail), text(e.Metadata.Raw)} {
		if other != "" {
			f.message = strings.TrimSpace(f.message + " " + other)
		}
	}
	f.message = f.message[:min(len(f.message), maxMessage)]
	if len(e.AWSType) != 0 { // "prefix#ThrottlingException"
		f.kind = strings.ToLower(text(e.AWSType))
	} else if len(e.ErrorType) != 0 { // Cohere, Hugging Face
		f.kind = strings.ToLower(text(e.ErrorType))
	}
	for _, d := range e.Details {
		if len(d.Reason) != 0 {
			f.reasons += " " + strings.ToLower(text(d.Reason))
		}
		if len(d.RetryDelay) != 0 {
			f.retry = text(d.RetryDelay)
		}
		for _, v := range d.Violations {
			f.quotas = append(f.quotas, quota{text(v.QuotaID), text(v.QuotaValue)})
		}
	}
	return f
}

// text returns a JSON string's contents, or a number or anything else as it is
// written; "" for null and nothing.
// It ends at maxMessage.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) != 0 && string(raw) != "null" && json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return s[:min(len(s), maxMessage)]
}

// dailyQuota reports whether a quota per day is named as the one violated.
func (f *refusal) dailyQuota() bool {
	for _, q := range f.quotas {
		if strings.Contains(q.id, "PerDay") {
			return true
		}
	}
	return false
}

// beyondLimit reports whether the message says that the call alone is larger than the
// limit: it will never fit.
func (f *refusal) beyondLimit() bool {
	m := figures.FindStringSubmatch(f.message)
	if m == nil {
		return false
	}
	limit, _ := parseFigure(m[3])
	requested, ok := parseFigure(m[5])
	return ok && limit > 0 && requested > limit
}

// daily reports whether the message speaks of a limit per day.
func (f *refusal) daily() bool { return f.says("per day", "per-day", "daily") }

// waitsDays reports whether the message names a wait of days.
func (f *refusal) waitsDays() bool {
	m := askedToWait.FindStringSubmatch(f.message)
	return m != nil && strings.HasPrefix(strings.ToLower(m[2]), "d")
}

// any reports whether one of the words stands in the code, type, status or reason.
func (f *refusal) any(words ...string) bool {
	for _, w := range words {
		if strings.Contains(f.code, w) || strings.Contains(f.kind, w) || strings.Contains(f.status, w) || strings.Contains(f.reasons, w) {
			return true
		}
	}
	return false
}

// says reports whether one of the phrases, in lower case, stands in the message.
func (f *refusal) says(phrases ...string) bool {
	for _, p := range phrases {
		if strings.Contains(f.lower, p) {
			return true
		}
	}
	return false
}
