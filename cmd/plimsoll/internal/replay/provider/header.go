package provider

import (
	"strconv"
	"strings"
	"time"
)

// A Format is how a provider writes a [State] into the headers of a response.
// A limit that is not there has no header. The name that the result takes may
// have any case; a header that is not there is "".
type Format func(s State, retryAfter time.Duration) func(name string) string

// OpenAIHeaders is OpenAI's format: counts, and times as Go writes durations. It
// knows no debt: what is left is never below zero.
func OpenAIHeaders(s State, retryAfter time.Duration) func(name string) string {
	s.Requests.Left, s.Tokens.Left = max(0, s.Requests.Left), max(0, s.Tokens.Left)
	return headers(s, retryAfter, func(d time.Duration) string { return d.Round(time.Millisecond).String() })
}

// AzureHeaders is Azure's format: the same names, and times in whole seconds. The
// figures for requests are those of the slice in which they are judged.
func AzureHeaders(s State, retryAfter time.Duration) func(name string) string {
	return headers(s, retryAfter, func(d time.Duration) string { return seconds(wholeSeconds(d)) })
}

// headers collects what both formats have; a retryAfter of 0 is none.
func headers(s State, retryAfter time.Duration, reset func(time.Duration) string) func(name string) string {
	all := map[string]string{}
	for kind, a := range map[string]Account{"requests": s.Requests, "tokens": s.Tokens} {
		if a.Limit == 0 {
			continue
		}
		all["x-ratelimit-limit-"+kind] = strconv.FormatInt(max(0, a.Limit), 10)
		all["x-ratelimit-remaining-"+kind] = strconv.FormatInt(a.Left, 10)
		all["x-ratelimit-reset-"+kind] = reset(a.Reset)
	}
	if retryAfter > 0 {
		all["retry-after"] = seconds(retryAfter)
	}
	return func(name string) string { return all[strings.ToLower(name)] }
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
