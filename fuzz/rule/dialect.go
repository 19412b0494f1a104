package rule

import (
	"fmt"
	"strconv"
	"time"
)

// Dialect is how a provider writes its limits into the headers of an answer, and
// its refusals.
type Dialect uint8

// The dialects. The zero Dialect is OpenAI's.
const (
	OpenAI         Dialect = iota
	Azure                  // OpenAI's names, whole seconds; requests of the part of a minute
	AzureRemaining         // only the two figures of what remains
	AzureResponses         // the Responses API: limit and remaining are -1
	Anthropic
	Bedrock // no headers
	Gemini  // no headers; details in the body
	Groq    // OpenAI's names; requests are those of a day
	Mistral
	Cohere
	Cerebras
	Silent // neither headers nor bodies
)

// Headers returns the headers of an answer, with names in lower case. refusal is
// nil for a call that was admitted. A limit that the account does not have leaves
// none.
func (a *Account) Headers(now int64, refusal *Refusal) map[string]string {
	h := map[string]string{}
	switch a.rule.Dialect {
	case OpenAI:
		requests := Requests
		if _, perMinute := a.State(now, Requests); !perMinute {
			requests = Requests.per(day) // some accounts of OpenAI have no limit per minute
		}
		a.openAIHeaders(h, now, requests)
	case Groq:
		a.openAIHeaders(h, now, Requests.per(day))
	case Azure, AzureRemaining, AzureResponses:
		a.azureHeaders(h, now)
	case Anthropic:
		a.anthropicHeaders(h, now)
	case Mistral:
		a.mistralHeaders(h, now)
	case Cohere:
		a.limitHeaders(h, now, Requests, "x-trial-endpoint-call-%s", nil, true)
	case Cerebras:
		for kind, name := range map[Kind]string{
			Requests: "requests-minute", Requests.per(hour): "requests-hour", Requests.per(day): "requests-day",
			Tokens: "tokens-minute", Tokens.per(hour): "tokens-hour", Tokens.per(day): "tokens-day",
		} {
			a.limitHeaders(h, now, kind, "x-ratelimit-%s-"+name, fractional, false)
		}
	case Bedrock, Gemini, Silent:
	}
	if refusal != nil {
		a.retryHeaders(h, refusal)
	}
	return h
}

// openAIHeaders writes the given limit on requests, and tokens per minute.
func (a *Account) openAIHeaders(h map[string]string, now int64, requests Kind) {
	a.limitHeaders(h, now, requests, "x-ratelimit-%s-requests", goDuration, true)
	a.limitHeaders(h, now, Tokens, "x-ratelimit-%s-tokens", goDuration, true)
}

func (a *Account) azureHeaders(h map[string]string, now int64) {
	h["x-ms-region"] = "East US"
	requests := PartRequests
	if a.rule.Part == 0 {
		requests = Requests
	}
	a.limitHeaders(h, now, requests, "x-ratelimit-%s-requests", wholeSeconds, false)
	a.limitHeaders(h, now, Tokens, "x-ratelimit-%s-tokens", wholeSeconds, false)
	for _, what := range []string{"requests", "tokens"} {
		limit, remaining, reset := "x-ratelimit-limit-"+what, "x-ratelimit-remaining-"+what, "x-ratelimit-reset-"+what
		if h[limit] == "" {
			continue
		}
		switch a.rule.Dialect {
		case AzureRemaining:
			delete(h, limit)
			delete(h, reset)
		case AzureResponses:
			h[limit], h[remaining] = "-1", "-1"
			delete(h, reset)
		default: // all three
		}
	}
}

// anthropicHeaders writes remaining tokens rounded to the nearest thousand.
func (a *Account) anthropicHeaders(h map[string]string, now int64) {
	for kind, name := range map[Kind]string{Requests: "requests", Tokens: "tokens", Input: "input-tokens", Output: "output-tokens"} {
		s, ok := a.State(now, kind)
		if !ok {
			continue
		}
		left := max(s.Left, 0)
		if !kind.CountsRequests() {
			left = (left + 500) / 1000 * 1000
		}
		prefix := "anthropic-ratelimit-" + name
		h[prefix+"-limit"] = strconv.FormatInt(s.Limit, 10)
		h[prefix+"-remaining"] = strconv.FormatInt(left, 10)
		h[prefix+"-reset"] = time.Unix(0, now).Add(s.Reset).UTC().Truncate(time.Second).Format(time.RFC3339)
	}
}

func (a *Account) mistralHeaders(h map[string]string, now int64) {
	a.limitHeaders(h, now, Requests, "x-ratelimit-%s-req-minute", nil, true)
	if s, ok := a.State(now, Tokens); ok {
		h["x-ratelimitbysize-limit-minute"] = strconv.FormatInt(s.Limit, 10)
		h["x-ratelimitbysize-remaining-minute"] = strconv.FormatInt(max(s.Left, 0), 10)
		h["ratelimitbysize-limit"] = strconv.FormatInt(s.Limit, 10)
		h["ratelimitbysize-reset"] = wholeSeconds(s.Reset)
	}
}

// limitHeaders writes limit, remaining and, where reset is set, the time until the
// limit is free. floor writes no less than 0 for what remains.
func (a *Account) limitHeaders(h map[string]string, now int64, kind Kind, format string, reset func(time.Duration) string, floor bool) {
	s, ok := a.State(now, kind)
	if !ok {
		return
	}
	if floor {
		s.Left = max(s.Left, 0)
	}
	h[fmt.Sprintf(format, "limit")] = strconv.FormatInt(s.Limit, 10)
	h[fmt.Sprintf(format, "remaining")] = strconv.FormatInt(s.Left, 10)
	if reset != nil {
		h[fmt.Sprintf(format, "reset")] = reset(s.Reset)
	}
}

// retryHeaders writes how long to wait, where the dialect does so in headers.
func (a *Account) retryHeaders(h map[string]string, r *Refusal) {
	switch a.rule.Dialect {
	case Azure, AzureRemaining, AzureResponses:
		h["retry-after-ms"] = strconv.FormatInt(int64((r.Wait+time.Millisecond-1)/time.Millisecond), 10)
		h["retry-after"] = wholeSeconds(r.RetryAfter())
	case OpenAI, Groq, Anthropic, Cerebras:
		h["retry-after"] = wholeSeconds(r.RetryAfter())
	case Bedrock:
		h["x-amzn-errortype"] = "ThrottlingException"
	case Gemini, Mistral, Cohere, Silent:
	}
}

// RetryAfter returns the wait in whole seconds, rounded up, at least one.
func (r *Refusal) RetryAfter() time.Duration {
	return max(time.Second, (r.Wait + time.Second - 1).Truncate(time.Second))
}

func goDuration(d time.Duration) string { return d.Round(time.Millisecond).String() }

func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func fractional(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
