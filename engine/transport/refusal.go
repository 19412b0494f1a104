package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// A refusal is an answer of the transport's own, before it has the form of the client's
// API.
type refusal struct {
	Refusal
	openAI, anthropic string             // the error's type; "" = that of the status
	limited           *engine.LimitError // why the engine refused; nil = it did not
	wait              time.Duration      // how long to wait; 0 = not said
	never             bool               // trying again will not help
}

func invalid(status int, code, message string) *refusal {
	return &refusal{Refusal: Refusal{Status: status, Code: code, Message: message}, never: true}
}

func unknownPath(in *http.Request) *refusal {
	return invalid(http.StatusNotFound, "unknown_url", fmt.Sprintf("unknown path %q: it must end in %s", pathOf(in), suffixList()))
}

func suffixList() string {
	var list []string
	for op := range operations {
		list = append(list, operations[op].suffix)
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

func wrongMethod(in *http.Request) *refusal {
	return invalid(http.StatusMethodNotAllowed, "method_not_supported", fmt.Sprintf("method %q: only POST is served", in.Method))
}

func invalidBody(why string) *refusal {
	return invalid(http.StatusBadRequest, "", "the body cannot be used: "+why)
}

func invalidModel() *refusal {
	return invalid(http.StatusBadRequest, "missing_required_parameter", "model: a text is needed that names a group")
}

func tooLargeBody(limit int64) *refusal {
	return invalid(http.StatusRequestEntityTooLarge, "request_too_large",
		fmt.Sprintf("the body is larger than %d bytes, the most that is accepted", limit))
}

func unknownGroup(name string) *refusal {
	return invalid(http.StatusNotFound, "model_not_found", fmt.Sprintf("the model %q does not exist", name))
}

func unservedGroup(name string) *refusal {
	return invalid(http.StatusNotFound, "model_not_found", fmt.Sprintf("the model %q cannot be called: none of its deployments has an endpoint", name))
}

// goneDeployment refuses a request for a deployment that its group does not have.
func goneDeployment() *refusal {
	return invalid(http.StatusNotFound, "", "the deployment that holds what this request continues is not one of the model's")
}

// refusalOf returns the answer to a refusal by the engine.
func refusalOf(err error, q *request) *refusal {
	if le, ok := errors.AsType[*engine.LimitError](err); ok {
		r := limitRefusal(le)
		if q.only != "" {
			r.Message += " Only the deployment that holds what this request continues can serve it."
		}
		return r
	}
	if q.passed > 0 {
		return invalid(http.StatusBadRequest, "", fmt.Sprintf("the model %q is not served by this API", q.group))
	}
	if errors.Is(err, engine.ErrNoCandidate) && len(q.demand.Tags) > 0 {
		return invalid(http.StatusBadRequest, "", fmt.Sprintf("no deployment of the model %q has all of the tags %q", q.group, q.demand.Tags))
	}
	if errors.Is(err, engine.ErrInvalidDemand) {
		return invalid(http.StatusBadRequest, "", "the request is larger than can be counted")
	}
	return unknownGroup(q.group) // its last deployment has gone
}

func limitRefusal(le *engine.LimitError) *refusal {
	r := invalid(http.StatusTooManyRequests, "rate_limit_exceeded", "")
	r.limited, r.wait, r.never, r.openAI = le, le.RetryAfter, le.Never, "requests"
	if le.Limit.CountsTokens() {
		r.openAI = "tokens"
	}
	switch wait := ceil(le.RetryAfter, time.Millisecond); {
	case le.Cause == provider.NoMoney:
		r.openAI, r.Code, r.anthropic = "insufficient_quota", "insufficient_quota", "billing_error"
		r.Message = fmt.Sprintf("The provider's account for %q has nothing left. It is tried again in %s.", le.Group, wait)
	case le.Cause == provider.Overloaded:
		r.Code, r.anthropic = "overloaded", "overloaded_error"
		r.Message = fmt.Sprintf("The provider of %q has no capacity. Please try again in %s.", le.Group, wait)
	case le.Never && le.Caller != "":
		r.Message = fmt.Sprintf("Request too large for %q: it will not fit the limits of caller %q (%s).", le.Group, le.Caller, le.Limit)
	case le.Caller != "":
		r.Message = fmt.Sprintf("Rate limit of caller %q reached for %q (%s). Please try again in %s.", le.Caller, le.Group, le.Limit, wait)
	case le.Never:
		r.Message = fmt.Sprintf("Request too large for %q: it will not fit its limits (%s).", le.Group, le.Limit)
	case le.Limit == engine.LimitShare:
		r.Message = fmt.Sprintf("This gateway's share of the rate limit is used up for %q. Please try again in %s.", le.Group, wait)
	default:
		r.Message = fmt.Sprintf("Rate limit reached for %q (%s). Please try again in %s.", le.Group, le.Limit, wait)
	}
	return r
}

// answer returns a refusal in the form of the operation's API.
func (t *Transport) answer(r *refusal, in *http.Request, q *request) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	if q.name != "" {
		h.Set(HeaderGroup, headerText(q.name))
	}
	switch {
	case r.never:
		h.Set("X-Should-Retry", "false")
	case r.wait > 0:
		h.Set("Retry-After", strconv.FormatInt(int64(ceil(r.wait, time.Second)/time.Second), 10))
		h.Set("Retry-After-Ms", strconv.FormatInt(ceil(r.wait, time.Millisecond).Milliseconds(), 10))
	}
	if r.limited != nil && t.refused != nil {
		t.refused(in, r.limited, h)
	}
	text := r.body(q.op.anthropic())
	h.Set("Content-Length", strconv.Itoa(len(text)))
	return &http.Response{
		Status:     strconv.Itoa(r.Status) + " " + http.StatusText(r.Status),
		StatusCode: r.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: in,
	}
}

// ceil rounds up to whole units.
func ceil(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }
