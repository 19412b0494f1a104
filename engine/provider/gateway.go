package provider

import (
	"strconv"
	"strings"
	"time"
)

// readIETF reads the headers in which gateways report their own limits on requests, by
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers: RateLimit and
// RateLimit-Policy, and the RateLimit-Limit of older drafts with a window. Only limits per
// minute, hour or day have a reading.
func (r *reader) readIETF() {
	policy := r.header("ratelimit-policy")
	if policy == "" {
		policy = r.header("ratelimit-limit") // "100, 100;w=60"
	}
	if policy == "" {
		return
	}
	for item := ""; policy != ""; {
		item, policy, _ = strings.Cut(policy, ",")
		quota, window := parameter(item, "q"), parameter(item, "w")
		if quota == "" {
			quota, _, _ = strings.Cut(strings.TrimSpace(item), ";")
		}
		per, ok := ietfWindows[window]
		if !ok {
			continue
		}
		n, ok := parseFigure(quota)
		to := &r.out.readings[LimitOf(Requests, per)]
		if !ok || n <= 0 || to.Limit != 0 || to.HasRemaining {
			continue
		}
		to.Limit = n
		if left, reset, ok := r.ietfLeft(); ok {
			to.Remaining, to.HasRemaining, to.Reset = left, true, reset
		}
		return
	}
}

// ietfWindows are the windows, in seconds, whose limits have a reading.
var ietfWindows = map[string]Span{"60": PerMinute, "3600": PerHour, "86400": PerDay}

// ietfLeft returns the requests that remain, and the time until the limit is reset.
func (r *reader) ietfLeft() (left int64, reset time.Duration, ok bool) {
	now := r.header("ratelimit")
	remaining, until := parameter(now, "r"), parameter(now, "t")
	if now == "" {
		remaining, until = r.header("ratelimit-remaining"), r.header("ratelimit-reset")
	}
	if left, ok = parseFigure(remaining); !ok || remaining == "" {
		return 0, 0, false
	}
	reset, _ = r.wait(until, time.Second)
	return left, reset, true
}

// parameter returns a parameter of a structured field item (RFC 8941); "" if it is absent.
func parameter(item, name string) string {
	for part := ""; item != ""; {
		part, item, _ = strings.Cut(item, ";")
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && key == name {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// kongWindows and kongNames are parts of the names of headers by Kong's AI rate limiting
// (https://docs.konghq.com/hub/kong-inc/ai-rate-limiting-advanced): a window, and
// Kong's name of the provider.
var (
	kongWindows = []string{"60", "minute", "10", "30", "300", "3600", "hour", "86400", "day"}
	kongNames   = []string{"openai", "azure", "anthropic", "mistral", "cohere", "gemini", "bedrock"}
)

// gatewayWait returns the wait that a gateway reports for a limit of its own, or that
// is in headers repeated in a body; 0 if there is none.
func (r *reader) gatewayWait(e *refusal) time.Duration {
	if left, reset, ok := r.ietfLeft(); ok && left <= 0 && reset > 0 {
		return reset
	}
	// https://openrouter.ai/docs/api-reference/limits: X-RateLimit-Reset is in Unix
	// milliseconds. If the limit is OpenRouter's, it is in the metadata of the error.
	if d, ok := r.wait(r.header("x-ratelimit-reset"), time.Second); ok && d > 0 && r.header("x-ratelimit-remaining") == "0" {
		return d
	}
	for name, v := range e.headers {
		if strings.EqualFold(name, "X-RateLimit-Reset") {
			if d, ok := r.wait(text(v), time.Second); ok && d > 0 {
				return d
			}
		}
	}
	for _, who := range kongNames {
		for _, window := range kongWindows {
			if d, ok := r.wait(r.header("x-ai-ratelimit-retry-after-"+window+"-"+who), time.Second); ok && d > 0 {
				return d
			}
		}
	}
	return 0
}

// readRouter reads the figures in a refusal by OpenRouter, for the limit that the
// message names.
func (r *reader) readRouter(e *refusal) {
	var per Span
	switch {
	case e.says("per-day"):
		per = PerDay
	case e.says("per-min"):
		per = PerMinute
	default:
		return
	}
	figure := func(name string) (int64, bool) {
		v := r.header(name)
		for key, raw := range e.headers {
			if strings.EqualFold(key, name) {
				v = text(raw)
			}
		}
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil && n >= 0
	}
	limit, ok := figure("x-ratelimit-limit")
	left, counted := figure("x-ratelimit-remaining")
	if ok && limit > 0 {
		r.fill(LimitOf(Requests, per), min(limit, maxFigure), left, counted)
	}
}
