package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
)

// providerID is where an answer has the provider's own name for the request, as
// X-Request-Id is the daemon's.
const providerID = "X-Plimsoll-Provider-Request-Id"

// answerHeader adds to an answer what of a provider's header is for the client.
func answerHeader(to, from http.Header) {
	var listed string
	if len(from["Connection"]) > 0 {
		listed = "," + strings.ToLower(strings.ReplaceAll(strings.Join(from["Connection"], ","), " ", "")) + ","
	}
	for name, values := range from {
		switch {
		case name == "X-Request-Id":
			to[providerID] = values
		case keptBack(name), listed != "" && strings.Contains(listed, ","+strings.ToLower(name)+","):
		default:
			to[name] = values
		}
	}
}

// keptBack reports whether a header of an answer is not for the client: it speaks of
// the connection, of the host, of the account, or of the limits of one deployment.
func keptBack(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
		"Set-Cookie", "Alt-Svc", "Strict-Transport-Security", "Www-Authenticate",
		"Openai-Organization", "Openai-Project", "Anthropic-Organization-Id":
		return true
	}
	for _, family := range [...]string{"X-Ratelimit", "Ratelimit", "Anthropic-Ratelimit", "Anthropic-Priority", "Anthropic-Fast", "Access-Control-"} {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// refuse answers with an error in the API's shape.
func (s shape) refuse(w http.ResponseWriter, status int, message string) {
	type openAIError struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	type anthropicError struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	kind := "invalid_request_error"
	if status >= http.StatusInternalServerError {
		kind = "api_error"
	} else if s == anthropic && status == http.StatusNotFound {
		kind = "not_found_error"
	}
	var v any = map[string]openAIError{"error": {Message: message, Type: kind}}
	if s == anthropic {
		v = struct {
			Type  string         `json:"type"`
			Error anthropicError `json:"error"`
		}{"error", anthropicError{kind, message}}
	}
	if status < http.StatusInternalServerError && status != http.StatusRequestTimeout {
		w.Header().Set("X-Should-Retry", "false")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}
