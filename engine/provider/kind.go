package provider

import (
	"strconv"
	"strings"
	"time"
)

// The HTTP statuses that classify distinguishes, because net/http is not imported.
const (
	statusBadRequest         = 400
	statusPaymentRequired    = 402
	statusForbidden          = 403
	statusNotAcceptable      = 406
	statusTimeout            = 408
	statusConflict           = 409
	statusLengthRequired     = 411
	statusTooLarge           = 413
	statusURITooLong         = 414
	statusMediaType          = 415
	statusRange              = 416
	statusExpectation        = 417
	statusUnprocessable      = 422
	statusFailedDependency   = 424
	statusTooMany            = 429
	statusHeaderFields       = 431
	statusGroqCapacity       = 498
	statusServerError        = 500
	statusUnavailable        = 503
	statusAnthropicOverloads = 529
)

// classify returns the outcome of a call: by the words of the error, or by its status if the
// words are unknown. Worked reports whether the provider may have worked on
// the call before it failed.
func (r *reader) classify(e *refusal) (k Kind, worked bool) {
	r.status = r.Status
	if r.Status < 400 {
		if !r.refusedInBand(e) {
			return Fine, false
		}
		// OpenRouter's code is the status that the answer would have had
		// (https://openrouter.ai/docs/api-reference/errors).
		if n, err := strconv.Atoi(e.code); err == nil && n >= 400 && n < 600 {
			r.status = n
		}
	}
	k, known := r.kind(e)
	if k == NoMoney && r.status != statusPaymentRequired && r.waits(e) {
		k = RateLimit // for an empty account no wait would be reported
	}
	if (k == RateLimit || k == Other) && e.beyondLimit() {
		k = TooLarge
	}
	switch {
	case k != Other || known:
	case r.status < 400, r.status >= statusServerError, r.status == statusTimeout, r.status == statusFailedDependency:
		worked = true
	}
	return k, worked
}

// kind returns the kind by the words of an error if they are known, else by its status.
func (r *reader) kind(e *refusal) (k Kind, known bool) {
	for i := range words {
		if words[i].match(r, e) {
			return words[i].kind, true
		}
	}
	k = r.byStatus(e)
	if said, ok := r.phrase(k, e); ok {
		return said, true
	}
	return k, false
}

func (r *reader) byStatus(e *refusal) Kind {
	switch {
	case r.status == statusPaymentRequired:
		return NoMoney
	case r.status == statusTooLarge:
		return TooLarge
	case r.status == statusAnthropicOverloads, r.status == statusUnavailable, r.status == statusGroqCapacity:
		return Overloaded
	case r.status == statusTooMany:
		return RateLimit
	case r.rejected(e):
		return Rejected
	}
	return Other
}

// rejected reports whether the request is at fault, by these statuses alone. An invalid key, an
// unknown or removed model or address, a region and a timeout are faults of the deployment. A
// page in place of an error comes from a server in front of the provider's API.
func (r *reader) rejected(e *refusal) bool {
	switch r.status {
	case statusBadRequest:
		return !e.markup
	case statusNotAcceptable, statusConflict, statusLengthRequired, statusURITooLong, statusMediaType, statusRange,
		statusExpectation, statusUnprocessable, statusHeaderFields:
		return true
	}
	return r.status < 400 && e.any("invalid_request")
}

// refusedInBand reports whether an answer with a status of success is an error: an event of a
// stream, or the whole answer of some providers.
func (r *reader) refusedInBand(e *refusal) bool {
	if e.wrapped || e.code != "" {
		return true
	}
	if e.kind == "" && e.status == "" {
		return e.message != "" && e.message != "[DONE]"
	}
	return e.status == "error" || strings.HasSuffix(e.kind, "error") || strings.HasSuffix(e.kind, "exception") ||
		strings.HasSuffix(e.kind, "failed")
}

// waits reports whether the answer reports a wait.
func (r *reader) waits(e *refusal) bool {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms", "retry-after"} {
		if d, ok := r.wait(r.header(name), time.Millisecond); ok && d > 0 {
			return true
		}
	}
	d, ok := r.hint(e)
	return ok && d > 0
}
