package provider

import (
	"cmp"
	"encoding/json"
	"strings"
)

const (
	maxBody    = 64 << 10 // bytes of a refusal that are read
	maxMessage = 4 << 10  // bytes of its message that are searched
)

// refusal is the parts of a refusal's body, or of an error event, that are read.
type refusal struct {
	code, kind, status, message string // in lower case, except message
	reasons, lower              string // further codes: details, inner and nested errors; the message; in lower case
	own                         string // the message without what it quotes, in lower case: that may be the client's words
	codes                       string // code, kind, status and reasons, squeezed
	retry                       string // the wait, of google.rpc.RetryInfo or of a member for it
	quotas                      []quota
	headers                     map[string]json.RawMessage // repeated in the body by OpenRouter
	wrapped                     bool                       // the error is a member that only errors have, such as "error"
	markup                      bool                       // the body is a page, of a server in front of the API
}

// quota is a violation that google.rpc.QuotaFailure lists.
type quota struct{ id, value string }

// rawError has the members of the providers' errors. They are raw because the same member is
// text from one provider and a number from another.
type rawError struct {
	Code, Type, Status, Message json.RawMessage
	AWSType                     json.RawMessage                `json:"__type"`
	ErrorType                   json.RawMessage                `json:"error_type"`
	Inner                       struct{ Code json.RawMessage } `json:"innererror"`
	Error                       json.RawMessage                // an error inside the error
	Detail                      json.RawMessage                // FastAPI's, where there is no message
	Details                     []rawDetail
	Errors                      []rawDetail // of Google's older services
	Metadata                    struct {    // OpenRouter's
		Headers map[string]json.RawMessage
		Raw     json.RawMessage
		rawRetry
	}
	// Other names of the code and of the message: Baidu, Databricks; MiniMax; Apigee;
	// RFC 9457 and others.
	ErrorCode   json.RawMessage `json:"error_code"`
	StatusCode  json.RawMessage `json:"status_code"`
	FaultCode   json.RawMessage `json:"errorcode"`
	ErrorMsg    json.RawMessage `json:"error_msg"`
	StatusMsg   json.RawMessage `json:"status_msg"`
	FaultString json.RawMessage
	Msg, Title  json.RawMessage
	rawRetry
}

// rawRetry has the members in which some providers and gateways give the wait: seconds, a point
// in time, or milliseconds (MiniMax: https://github.com/decolua/9router/issues/878).
type rawRetry struct {
	Seconds      json.RawMessage `json:"retry_after"`
	After        json.RawMessage `json:"retryAfter"`
	InSeconds    json.RawMessage `json:"retry_after_seconds"`
	ResetsIn     json.RawMessage `json:"resets_in_seconds"`
	Milliseconds json.RawMessage `json:"retry_after_ms"`
	AfterMs      json.RawMessage `json:"retryAfterMs"`
}

// wait returns the wait as [reader.wait] reads it; "" if there is none.
func (r *rawRetry) wait() string {
	if ms := firstText(r.Milliseconds, r.AfterMs); ms != "" {
		return ms + "ms"
	}
	return firstText(r.Seconds, r.After, r.InSeconds, r.ResetsIn)
}

type rawDetail struct {
	Reason     json.RawMessage
	Code       json.RawMessage
	RetryDelay json.RawMessage `json:"retryDelay"`
	Violations []struct {
		QuotaID    json.RawMessage `json:"quotaId"`
		QuotaValue json.RawMessage `json:"quotaValue"`
	}
}

// readRefusal reads a body. A body that is not JSON is read as a message.
func readRefusal(body []byte) refusal {
	f := parseRefusal(body[:min(len(body), maxBody)], 0)
	f.lower = strings.ToLower(f.message)
	f.codes = squeeze(strings.Join([]string{f.code, f.kind, f.status, f.reasons}, " "))
	return f
}

// parseRefusal reads a body that is nested in depth others.
func parseRefusal(body []byte, depth int) refusal {
	in, plain, wrapped, ok := locate(body)
	if !ok {
		return notJSON(in)
	}
	var e rawError
	// A member of another type is left out; Unmarshal still fills in the others.
	_ = json.Unmarshal(in, &e)
	f := refusal{
		wrapped: wrapped,
		code:    strings.ToLower(firstText(e.Code, notZero(e.ErrorCode), notZero(e.StatusCode), e.FaultCode)),
		kind:    strings.ToLower(firstText(e.AWSType, e.ErrorType, e.Type)), // "prefix#ThrottlingException"; Cohere, Hugging Face
		status:  strings.ToLower(text(e.Status)), reasons: strings.ToLower(text(e.Inner.Code)),
		message: firstText(e.Message, e.ErrorMsg, e.StatusMsg, e.FaultString, e.Msg, e.Title),
		headers: e.Metadata.Headers,
	}
	for _, d := range append(e.Details, e.Errors...) {
		f.reasons += " " + strings.ToLower(text(d.Reason)+" "+text(d.Code))
		if len(d.RetryDelay) != 0 {
			f.retry = text(d.RetryDelay)
		}
		for _, v := range d.Violations {
			f.quotas = append(f.quotas, quota{text(v.QuotaID), text(v.QuotaValue)})
		}
	}
	if f.retry == "" {
		var beside rawRetry
		_ = json.Unmarshal(body, &beside)
		f.retry = cmp.Or(e.wait(), e.Metadata.wait(), beside.wait())
	}
	f.unquoted(f.message)
	f.add(plain)
	f.nested(&e, !wrapped, depth)
	f.message = f.message[:min(len(f.message), maxMessage)]
	return f
}

// add appends a further message.
func (f *refusal) add(message string) {
	f.unquoted(message)
	if message != "" && !strings.Contains(f.message, message) {
		f.message = strings.TrimSpace(f.message + " " + message)
	}
}

// unquoted adds a message to own.
func (f *refusal) unquoted(message string) {
	if message != "" {
		f.own += quoted.ReplaceAllString(strings.ToLower(message), "$1") + " "
	}
}

// text returns the contents of a JSON string, or the text of any other value; "" for null and
// for nothing. It is cut to maxMessage bytes.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) != 0 && string(raw) != "null" && json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return s[:min(len(s), maxMessage)]
}

// firstText returns the first text that is not empty.
func firstText(list ...json.RawMessage) string {
	for _, raw := range list {
		if s := text(raw); s != "" {
			return s
		}
	}
	return ""
}

// notZero returns raw, and nil for 0, which is the code of success.
func notZero(raw json.RawMessage) json.RawMessage {
	if s := text(raw); s == "0" {
		return nil
	}
	return raw
}

// dailyQuota reports whether a violated quota is one per day.
func (f *refusal) dailyQuota() bool {
	for _, q := range f.quotas {
		if strings.Contains(q.id, "PerDay") {
			return true
		}
	}
	return false
}

// beyondLimit reports whether, by the figures of the message, the call alone is larger than the
// limit and never fits.
func (f *refusal) beyondLimit() bool {
	m := figures.FindStringSubmatch(f.message)
	if m == nil {
		return false
	}
	limit, _ := parseFigure(m[3])
	requested, ok := parseFigure(m[5])
	return ok && limit > 0 && requested > limit
}

// daily reports whether the message names a limit per day.
func (f *refusal) daily() bool { return f.says("per day", "per-day", "daily") }

// waitsDays reports whether the message names a wait of days.
func (f *refusal) waitsDays() bool {
	m := askedToWait.FindStringSubmatch(f.message)
	return m != nil && strings.HasPrefix(strings.ToLower(m[2]), "d")
}

// any reports whether a word is in the code, type, status or reasons.
func (f *refusal) any(word string) bool { return strings.Contains(f.codes, squeeze(word)) }

var signs = strings.NewReplacer("_", "", "-", "", ".", "")

// squeeze removes the signs between the words of a code, because providers write
// invalid_api_key, InvalidApiKey and INVALID-API-KEY.
func squeeze(code string) string { return signs.Replace(code) }

// says reports whether one of the phrases, in lower case, is in the message.
func (f *refusal) says(phrases ...string) bool {
	for _, p := range phrases {
		if strings.Contains(f.lower, p) {
			return true
		}
	}
	return false
}
