package transport_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

func ExampleRefusal_Body() {
	r := transport.Refusal{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", Message: "no such model"}
	fmt.Println(string(r.Body(transport.OpenAI)))
	fmt.Println(string(r.Body(transport.Anthropic)))
	// Output:
	// {"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}
	// {"type":"error","error":{"type":"not_found_error","message":"no such model"}}
}

// Clients distinguish errors by their type, which follows from the status:
// https://platform.claude.com/docs/en/api/errors.
func TestErrorTypes(t *testing.T) {
	for status, want := range map[int][2]string{
		400: {"invalid_request_error", "invalid_request_error"},
		401: {"invalid_request_error", "authentication_error"},
		402: {"invalid_request_error", "billing_error"},
		403: {"invalid_request_error", "permission_error"},
		404: {"invalid_request_error", "not_found_error"},
		405: {"invalid_request_error", "invalid_request_error"},
		413: {"invalid_request_error", "request_too_large"},
		429: {"invalid_request_error", "rate_limit_error"},
		500: {"api_error", "api_error"},
		502: {"api_error", "api_error"},
		504: {"api_error", "timeout_error"},
	} {
		r := transport.Refusal{Status: status, Message: `"<\u0000`}
		require.Contains(t, string(r.Body(transport.OpenAI)), `"type":"`+want[0]+`"`, "status %d", status)
		require.Equal(t, string(r.Body(transport.OpenAI)), string(r.Body(transport.Azure)))
		require.Contains(t, string(r.Body(transport.Anthropic)), `{"type":"`+want[1]+`"`, "status %d", status)
	}
}
