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
	code, kind, status, message string // in lower case, but for message
	retry                       string // google.rpc.RetryInfo
	quotas                      []quota
	wrapped                     bool // it stands under "error", as nothing but a refusal does
}

// quota is a violation that google.rpc.QuotaFailure lists.
type quota struct{ id, value string }

// rawError is what the providers' errors have in common. Fields are raw because
// providers disagree on what is text and what is a number.
type rawError struct {
	Code, Type, Status, Message json.RawMessage
	ErrorType                   json.RawMessage `json:"__type"`
	Details                     []rawDetail
}

type rawDetail struct {
	RetryDelay json.RawMessage `json:"retryDelay"`
	Violations []struct {
		QuotaID    json.RawMessage `json:"quotaId"`
		QuotaValue json.RawMessage `json:"quotaValue"`
	}
}

// readRefusal reads a body; what is not JSON it takes as a message.
func readRefusal(body []byte) refusal {
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
		Response struct{ Error json.RawMessage } // response.failed of OpenAI's Responses
	}
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &outer) != nil && !json.Valid(body) {
		return refusal{message: string(body[:min(len(body), maxMessage)])}
	}
	in, wrapped := body, false
	for _, e := range []json.RawMessage{outer.Error, outer.Response.Error} {
		if len(e) != 0 && e[0] == '{' {
			in, wrapped = e, true
			break
		}
		if len(e) != 0 && e[0] == '"' {
			return refusal{message: text(e), wrapped: true}
		}
	}
	var e rawError
	// What does not fit is left out; the rest is filled in all the same.
	_ = json.Unmarshal(in, &e)
	f := refusal{
		wrapped: wrapped,
		code:    strings.ToLower(text(e.Code)), kind: strings.ToLower(text(e.Type)),
		status: strings.ToLower(text(e.Status)), message: text(e.Message),
	}
	if len(e.ErrorType) != 0 { // AWS: "prefix#ThrottlingException"
		f.kind = strings.ToLower(text(e.ErrorType))
	}
	for _, d := range e.Details {
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

// daily reports whether the message speaks of a limit per day.
func (f *refusal) daily() bool { return f.says("requests per day", "tokens per day") }

// any reports whether one of the words stands in the code, type or status.
func (f *refusal) any(words ...string) bool {
	for _, w := range words {
		if strings.Contains(f.code, w) || strings.Contains(f.kind, w) || strings.Contains(f.status, w) {
			return true
		}
	}
	return false
}

// says reports whether one of the phrases, in lower case, stands in the message.
func (f *refusal) says(phrases ...string) bool {
	m := strings.ToLower(f.message)
	for _, p := range phrases {
		if strings.Contains(m, p) {
			return true
		}
	}
	return false
}
