package transport

import (
	"bytes"
	"encoding/json"
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

// A refusal is an answer of the transport's own, in the shape of the API that the
// client speaks: https://platform.openai.com/docs/guides/error-codes and
// https://platform.claude.com/docs/en/api/errors.
type refusal struct {
	status  int
	typ     string // OpenAI's
	code    string // OpenAI's, "" = null
	param   string // OpenAI's, "" = null
	kind    string // Anthropic's type
	message string
	limited *engine.LimitError // why the engine refused; nil = it did not
	wait    time.Duration      // how long to wait; 0 = not said
	never   bool               // trying again will not help
}

func invalid(status int, code, message string) *refusal {
	return &refusal{status: status, typ: "invalid_request_error", code: code, kind: "invalid_request_error", message: message, never: true}
}

func unknownPath(in *http.Request) *refusal {
	r := invalid(http.StatusNotFound, "unknown_url", fmt.Sprintf("unknown path %q: it must end in %s", pathOf(in), suffixList()))
	r.kind = "not_found_error"
	return r
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
	r := invalid(http.StatusRequestEntityTooLarge, "request_too_large",
		fmt.Sprintf("the body is larger than %d bytes, the most that is accepted", limit))
	r.kind = "request_too_large"
	return r
}

func unknownGroup(name string) *refusal {
	r := invalid(http.StatusNotFound, "model_not_found", fmt.Sprintf("the model %q does not exist", name))
	r.kind = "not_found_error"
	return r
}

func unservedGroup(name string) *refusal {
	r := unknownGroup(name)
	r.message = fmt.Sprintf("the model %q cannot be called: none of its deployments has an endpoint", name)
	return r
}

// goneDeployment refuses a request for a deployment that its group does not have.
func goneDeployment() *refusal {
	r := invalid(http.StatusNotFound, "", "the deployment that holds what this request continues is not one of the model's")
	r.kind = "not_found_error"
	return r
}

// refusalOf says why the engine refused.
func refusalOf(err error, q *request) *refusal {
	if le, ok := errors.AsType[*engine.LimitError](err); ok {
		r := limitRefusal(le)
		if q.only != "" {
			r.message += " Only the deployment that holds what this request continues can serve it."
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
	r := &refusal{
		status: http.StatusTooManyRequests, typ: "tokens", code: "rate_limit_exceeded", kind: "rate_limit_error",
		limited: le, wait: le.RetryAfter, never: le.Never,
	}
	if !le.Limit.CountsTokens() {
		r.typ = "requests"
	}
	switch wait := ceil(le.RetryAfter, time.Millisecond); {
	case le.Cause == provider.NoMoney:
		r.typ, r.code, r.kind = "insufficient_quota", "insufficient_quota", "billing_error"
		r.message = fmt.Sprintf("The provider's account for %q has nothing left. It is tried again in %s.", le.Group, wait)
	case le.Cause == provider.Overloaded:
		r.code, r.kind = "overloaded", "overloaded_error"
		r.message = fmt.Sprintf("The provider of %q has no capacity. Please try again in %s.", le.Group, wait)
	case le.Never && le.Caller != "":
		r.message = fmt.Sprintf("Request too large for %q: it will not fit the limits of caller %q (%s).", le.Group, le.Caller, le.Limit)
	case le.Caller != "":
		r.message = fmt.Sprintf("Rate limit of caller %q reached for %q (%s). Please try again in %s.", le.Caller, le.Group, le.Limit, wait)
	case le.Never:
		r.message = fmt.Sprintf("Request too large for %q: it will not fit its limits (%s).", le.Group, le.Limit)
	case le.Limit == engine.LimitShare:
		r.message = fmt.Sprintf("This gateway's share of the rate limit is used up for %q. Please try again in %s.", le.Group, wait)
	default:
		r.message = fmt.Sprintf("Rate limit reached for %q (%s). Please try again in %s.", le.Group, le.Limit, wait)
	}
	return r
}

// answer writes a refusal as the API of the operation does.
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
	text := r.body(q.op)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	return &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: in,
	}
}

func (r *refusal) body(op operation) []byte {
	type failure struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	type named struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	var v any
	if op.anthropic() {
		v = struct {
			Type  string `json:"type"`
			Error named  `json:"error"`
		}{"error", named{r.kind, r.message}}
	} else {
		f := failure{Message: r.message, Type: r.typ}
		if r.code != "" {
			f.Code = &r.code
		}
		if r.param != "" {
			f.Param = &r.param
		}
		v = map[string]failure{"error": f}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // cannot be: texts
	}
	return text
}

// ceil rounds up to whole units.
func ceil(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }
