package provider

import "strings"

// Statuses that mean something here, by their numbers: net/http is not imported.
const (
	statusPaymentRequired    = 402
	statusTooLarge           = 413
	statusTooMany            = 429
	statusUnavailable        = 503
	statusAnthropicOverloads = 529
)

// kind tells apart what providers answer with one status: 429 stands for a limit
// used up, a request beyond every limit, an empty account and a lack of capacity.
func (r *reader) kind(e *refusal) Kind {
	switch {
	case r.Status < 400 && !r.refusedInBand(e):
		return Fine
	case r.noMoney(e):
		return NoMoney
	case r.Status == statusTooLarge || e.any("request_too_large", "context_length_exceeded") ||
		e.says("request too large", "maximum context length", "prompt is too long"):
		return TooLarge
	case r.Status == statusAnthropicOverloads || r.Status == statusUnavailable ||
		e.any("overloaded", "unavailable", "server_is_overloaded", "slow_down"):
		return Overloaded
	case r.Status == statusTooMany || e.any("rate_limit", "resource_exhausted", "throttling", "too_many_requests", "429"):
		return RateLimit
	case r.rejected(e):
		return Rejected
	}
	return Other
}

// rejected reports whether the request is at fault. A key that is not taken, a
// model that is not there and a request that took too long are the deployment's.
func (r *reader) rejected(e *refusal) bool {
	switch r.Status {
	case 401, 403, 404, 408:
		return false
	}
	return r.Status >= 400 && r.Status < 500 || r.Status < 400 && e.any("invalid_request", "invalid_prompt", "content_filter")
}

// refusedInBand reports whether an answer that began well ended in an error:
// streams carry it as an event.
func (r *reader) refusedInBand(e *refusal) bool {
	if e.wrapped || e.code != "" {
		return true
	}
	if e.kind == "" && e.status == "" {
		return e.message != "" && e.message != "[DONE]"
	}
	return strings.HasSuffix(e.kind, "error") || strings.HasSuffix(e.kind, "exception") || strings.HasSuffix(e.kind, "failed")
}

// noMoney reports whether the account is the matter. Anthropic's spend limit is a
// 429 like others, but without Retry-After.
func (r *reader) noMoney(e *refusal) bool {
	if r.Status == statusPaymentRequired || e.any("insufficient_quota", "billing_", "insufficient_balance", "payment_required") {
		return true
	}
	if e.says("credit balance is too low", "exceeded your current quota, please check your plan and billing") && r.Provider != "gemini" && r.Provider != "vertex" {
		return true
	}
	return r.Provider == "anthropic" && r.Status == statusTooMany &&
		r.header("retry-after") == "" && e.says("spend", "usage limit")
}
