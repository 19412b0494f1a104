package transport

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a refusal or a failure leads to.
const (
	// quotaGone is how long a deployment without money or quota cools down.
	quotaGone = 10 * time.Minute
	// longestPause bounds every cooldown that a header asks for: providers have
	// answered "retry after 86400 seconds" to a limit per minute.
	longestPause = 5 * time.Minute
	// unsaidPause is for a refusal that does not say how long it lasts. It
	// doubles with each further failure, up to longestGuess.
	unsaidPause  = time.Second
	longestGuess = 30 * time.Second
)

// kind is why a provider did not answer.
type kind uint8

const (
	failed   kind = iota // it broke, or could not be reached
	limited              // a limit is reached
	tooLarge             // this request will never fit there
	noMoney              // the account has nothing left
)

// signal is what a refusal said.
type signal struct {
	kind  kind
	after time.Duration // how long to wait
	said  bool          // the provider has said so
}

// retryable reports whether another deployment may answer in place of this one.
func retryable(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// refusalBody is the part of a refusal's body that is looked at, in any of the
// APIs and in events of a stream.
type refusalBody struct {
	Code    text
	Type    text
	Message text
	Error   struct{ Code, Type, Message text }
}

// text is a JSON text; anything else is "".
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
	}
	return nil
}

// parseSignal reads a refusal. body may be anything.
func parseSignal(status int, h http.Header, body []byte, now time.Time) signal {
	var b refusalBody
	_ = json.Unmarshal(body, &b) // what does not fit says nothing
	code, typ := b.Error.Code+" "+b.Code, b.Error.Type+" "+b.Type
	message := strings.ToLower(string(b.Error.Message + " " + b.Message))
	s := signal{}
	switch {
	case strings.Contains(string(code+typ), "insufficient_quota"), strings.Contains(string(code+typ), "billing"):
		return signal{kind: noMoney, after: quotaGone, said: true}
	case strings.Contains(message, "request too large"):
		return signal{kind: tooLarge}
	case status == http.StatusTooManyRequests, strings.Contains(string(code+typ), "rate_limit"):
		s.kind = limited
	}
	s.after, s.said = retryAfter(h, now)
	return s
}

// retryAfter reads how long to wait: in milliseconds where that is said, else in
// seconds, whole or not, or until an HTTP date. What is malformed, negative or
// endless says nothing. At most longestPause.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if d, ok := number(h.Get(name), time.Millisecond); ok {
			return d, true
		}
	}
	v := h.Get("Retry-After")
	if d, ok := number(v, time.Second); ok {
		return d, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), longestPause), true
	}
	return 0, false
}

func number(v string, unit time.Duration) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		return 0, false
	}
	return time.Duration(math.Ceil(min(f*float64(unit), float64(longestPause)))), true
}
