package proxy

import (
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// providerID is the header with the provider's ID of the request; X-Request-Id is the
// daemon's.
const providerID = "X-Plimsoll-Provider-Request-Id"

// answerHeader adds the provider's headers that the client may receive to an answer.
func answerHeader(to, from http.Header) {
	for name, values := range from {
		switch {
		case name == "X-Request-Id":
			to[providerID] = values
		case answered(name):
			to[name] = values
		}
	}
	for _, list := range from["Connection"] { // headers of the provider's connection
		for name := range strings.SplitSeq(list, ",") {
			to.Del(strings.TrimSpace(name))
		}
	}
}

// boundWait adds a header that keeps SDKs from sleeping through a long wait of a provider's
// refusal. Some SDKs have no bound (https://github.com/openai/openai-node/blob/master/src/client.ts).
func boundWait(h http.Header, status int) {
	if status < http.StatusBadRequest || h.Get("X-Should-Retry") != "" || h.Get("Retry-After") == "" && h.Get("Retry-After-Ms") == "" {
		return
	}
	s := provider.Read(provider.Answer{Status: http.StatusTooManyRequests, Header: h.Get, At: time.Now()})
	if s.RetryAfter > maxRetryAfter {
		h.Set("X-Should-Retry", "false")
	}
}

// answered reports whether the client receives a header of a provider's answer: it
// describes the body, gives the time to try again, or names the request. All others are
// dropped: headers of the connection, the host and the account, the limits of one
// deployment, and headers that control a browser or a server in front, such as Location,
// Refresh, Clear-Site-Data and X-Accel-Redirect.
func answered(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control", "Date", "Age", "Expires", "Last-Modified", "Vary",
		"Retry-After", "Retry-After-Ms", "X-Should-Retry",
		"Request-Id", "Apim-Request-Id", "X-Ms-Request-Id", "X-Ms-Client-Request-Id", "X-Amzn-Requestid", "X-Generation-Id", "Cf-Ray",
		"X-Ms-Region", "X-Ms-Rai-Invoked", "X-Ms-Deployment-Name", "Azureml-Model-Session", "X-Envoy-Upstream-Service-Time", "X-Inference-Time", "X-Compute-Time", "Server-Timing",
		transport.HeaderGroup, transport.HeaderDeployment, transport.HeaderAttempts:
		return true
	case "Openai-Organization", "Openai-Project", "Anthropic-Organization-Id":
		return false
	}
	for _, family := range [...]string{"Anthropic-Ratelimit", "Anthropic-Priority", "Anthropic-Fast", "Anthropic-Workspace"} {
		if strings.HasPrefix(name, family) {
			return false
		}
	}
	return strings.HasPrefix(name, "Openai-") || strings.HasPrefix(name, "Anthropic-")
}

// refuse answers with an error in the API's form.
func (s shape) refuse(w http.ResponseWriter, status int, message string) {
	if status < http.StatusInternalServerError && status != http.StatusRequestTimeout {
		w.Header().Set("X-Should-Retry", "false")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	no := transport.Refusal{Status: status, Message: message}
	_, _ = w.Write(no.Body(transport.API(s))) // an error means that the client has gone
}
