package transport

import (
	"encoding/json"
	"net/http"
)

// Body returns the refusal as clients of an API read it: OpenAI's form, or Anthropic's.
// The type of the error follows from the status. A Refusal is not changed; Body may be
// called from many goroutines at once.
//
// Sources: https://platform.openai.com/docs/guides/error-codes and
// https://platform.claude.com/docs/en/api/errors.
func (r *Refusal) Body(a API) []byte { return (&refusal{Refusal: *r}).body(a == Anthropic) }

// anthropicTypes are the types of Anthropic's errors by their status.
var anthropicTypes = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
}

// errorType returns the type of an error: its own, or that of its status.
func (r *refusal) errorType(anthropic bool) string {
	own, byStatus := r.openAI, ""
	if anthropic {
		own, byStatus = r.anthropic, anthropicTypes[r.Status]
	}
	switch {
	case own != "":
		return own
	case byStatus != "":
		return byStatus
	case r.Status >= http.StatusInternalServerError:
		return "api_error"
	}
	return "invalid_request_error"
}

func (r *refusal) body(anthropic bool) []byte {
	var v any
	kind := r.errorType(anthropic)
	if anthropic {
		type named struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		}
		v = struct {
			Type  string `json:"type"`
			Error named  `json:"error"`
		}{"error", named{kind, r.Message}}
	} else {
		type failure struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    *string `json:"code"`
		}
		v = map[string]failure{"error": {r.Message, kind, orNull(r.Param), orNull(r.Code)}}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // cannot be: texts
	}
	return text
}

// orNull returns nil, which JSON writes as null, for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
