package provider

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// maxNested is how deep errors nested in one another are read.
const maxNested = 4

var byteOrderMark = []byte("\xef\xbb\xbf")

// locate returns the object of a body that is the error. Plain is the text that some bodies have
// in its place. Wrapped reports that it is a member that only errors have. If the body has no
// object, ok is false and in is the body's text.
func locate(body []byte) (in []byte, plain string, wrapped, ok bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), byteOrderMark))
	body = eventData(body)
	var list []json.RawMessage // Gemini's streams wrap an error in a list
	if len(body) != 0 && body[0] == '[' && json.Unmarshal(body, &list) == nil && len(list) != 0 {
		body = bytes.TrimSpace(list[0])
	}
	var outer struct {
		Error    json.RawMessage
		Errors   []json.RawMessage               // Cloudflare, watsonx
		Response struct{ Error json.RawMessage } // response.failed of OpenAI's Responses; Tencent
		Fault    json.RawMessage                 // Apigee
		Base     json.RawMessage                 `json:"base_resp"` // MiniMax
	}
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &outer) != nil && !json.Valid(body) {
		return body, "", false, false
	}
	places := append(outer.Errors, outer.Error, outer.Response.Error, outer.Fault)
	var base struct {
		Code json.RawMessage `json:"status_code"`
	}
	if json.Unmarshal(outer.Base, &base) == nil && len(notZero(base.Code)) != 0 {
		places = append(places, outer.Base)
	}
	for _, e := range places {
		switch {
		case len(e) != 0 && e[0] == '{':
			return e, "", true, true
		case len(e) != 0 && e[0] == '"':
			return body, text(e), true, true
		}
	}
	return body, "", false, true
}

// eventData returns the data of the first event with an object if a body is a stream
// of events, as some refusals are; else the body.
func eventData(body []byte) []byte {
	for _, field := range []string{"data:", "event:", ":", "id:", "retry:"} {
		if !bytes.HasPrefix(body, []byte(field)) {
			continue
		}
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			data, ok := bytes.CutPrefix(line, []byte("data:"))
			if data = bytes.TrimSpace(data); ok && len(data) != 0 && (data[0] == '{' || data[0] == '[') {
				return data
			}
		}
		return body
	}
	return body
}

var (
	markupCode    = regexp.MustCompile(`(?i)<code>\s*([^<]{1,100}?)\s*</code>`)
	markupMessage = regexp.MustCompile(`(?i)<message>\s*([^<]{1,1000}?)\s*</message>`)
)

// notJSON reads a body that is not JSON: a message, a page, or the XML of AWS.
func notJSON(body []byte) refusal {
	f := refusal{message: string(body[:min(len(body), maxMessage)])}
	switch {
	case len(body) == 0 || body[0] != '{' && body[0] != '[' && body[0] != '"' && body[0] != '<':
	case body[0] == '"':
		f.message = text(body)
	case body[0] != '<' && len(body) >= maxBody:
		f.message = "" // it is cut, and most of it repeats the request
	}
	if len(body) == 0 || body[0] != '<' {
		f.unquoted(f.message)
		return f
	}
	f.markup = true
	if m := markupCode.FindSubmatch(body); m != nil {
		f.markup, f.code = false, strings.ToLower(string(m[1]))
		f.message = ""
		if m := markupMessage.FindSubmatch(body); m != nil {
			f.message = string(m[1])
		}
	}
	f.unquoted(f.message)
	return f
}

// nested adds the errors that are nested in an error: its member "error", FastAPI's detail,
// and an answer that a gateway repeats as text. Whole is set if
// the error is the body itself, whose member "error" locate has read already.
func (f *refusal) nested(e *rawError, whole bool, depth int) {
	inside := []json.RawMessage{nil}
	if !whole {
		inside[0] = e.Error
	}
	switch d := e.Detail; {
	case len(d) != 0 && d[0] == '[':
		f.add(findings(d))
	case len(d) != 0 && d[0] == '{':
		inside = append(inside, d)
	default:
		f.add(text(d))
	}
	raw := text(e.Metadata.Raw)
	repeated := jsonOf(raw, true)
	if repeated == nil {
		f.add(raw)
	}
	inside = append(inside, repeated, jsonOf(f.message, false))
	f.reasons += " " + quotedCodes(f.message)
	if depth >= maxNested {
		return
	}
	for _, in := range inside {
		switch {
		case len(in) != 0 && in[0] == '{':
			n := parseRefusal(in, depth+1)
			f.reasons += " " + strings.Join([]string{n.code, n.kind, n.status, n.reasons}, " ")
			f.add(n.message)
			f.own += n.own
		case len(in) != 0 && in[0] == '"':
			f.add(text(in))
		}
	}
}

// findings returns the messages of FastAPI's validation, without the input that it repeats.
func findings(list json.RawMessage) string {
	var found []struct {
		Msg json.RawMessage
	}
	_ = json.Unmarshal(list, &found)
	var b strings.Builder
	for _, f := range found[:min(len(found), 8)] {
		b.WriteString(text(f.Msg) + " ")
	}
	return strings.TrimSpace(b.String())
}

// repeats matches the beginning of a message that repeats another provider's answer.
var repeats = regexp.MustCompile(`(?i)^\s*[{\[]|litellm\.|exception|error code: \d`)

// jsonOf returns the JSON object in a message that repeats an answer; nil if there is
// none. Other messages are not searched, because an object in them may be the client's.
func jsonOf(message string, sure bool) json.RawMessage {
	i := strings.IndexByte(message, '{')
	if i < 0 || !sure && !repeats.MatchString(message[:i+1]) {
		return nil
	}
	var raw json.RawMessage
	if json.NewDecoder(strings.NewReader(message[i:])).Decode(&raw) != nil {
		return nil
	}
	return raw
}

var pythonCode = regexp.MustCompile(`'(?:code|type|status|reason)': '([A-Za-z0-9_.-]{1,60})'`)

// quotedCodes returns the codes of an answer that a message repeats as Python prints it.
func quotedCodes(message string) string {
	i := strings.Index(message, "{'")
	if i < 0 || !repeats.MatchString(message[:i+1]) {
		return ""
	}
	var b strings.Builder
	for _, m := range pythonCode.FindAllStringSubmatch(message[i:], 8) {
		b.WriteString(strings.ToLower(m[1]) + " ")
	}
	return b.String()
}
