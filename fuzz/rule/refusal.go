package rule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// object is a JSON object.
type object = map[string]any

// Body returns the status and the JSON body of a refusal, in the form of recorded
// answers; the wording is our own.
func (a *Account) Body(r *Refusal) (status int, body []byte) {
	what := "tokens"
	if r.Kind.CountsRequests() {
		what = "requests"
	}
	var v object
	switch a.rule.Dialect {
	case Azure, AzureRemaining, AzureResponses:
		v = object{"error": object{
			"code":    "429",
			"message": fmt.Sprintf("Calls have exceeded the %s rate limit of the deployment. Please retry after %s seconds.", what[:len(what)-1], wholeSeconds(r.RetryAfter())),
		}}
	case Anthropic:
		v = object{"type": "error", "error": object{
			"type": "rate_limit_error", "message": fmt.Sprintf("This request would exceed the rate limit of %d %s", r.Limit, r.Kind),
		}}
	case Bedrock:
		v = object{"message": fmt.Sprintf("Too many %s, please wait before trying again.", what)}
	case Gemini:
		v = geminiBody(r)
	case Mistral:
		v = object{"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}
	case Cohere:
		v = object{"message": "The key has reached its limit of calls per minute"}
	case Cerebras:
		v = object{
			"message": fmt.Sprintf("Limit on %s exceeded", r.Kind), "type": "too_many_requests_error",
			"param": "quota", "code": what[:len(what)-1] + "_quota_exceeded",
		}
	default: // OpenAI and Groq
		v = object{"error": object{"message": openAIMessage(r), "type": what, "param": nil, "code": "rate_limit_exceeded"}}
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return http.StatusTooManyRequests, body
}

// openAIMessage names limit, use and wait. A call above the limit gets another
// message, without a wait.
func openAIMessage(r *Refusal) string {
	if r.Never {
		return fmt.Sprintf("Request too large on %s: Limit %d, Requested %d.", r.Kind, r.Limit, r.Requested)
	}
	return fmt.Sprintf("Rate limit reached on %s: Limit %d, Used %d, Requested %d. Please try again in %s.",
		r.Kind, r.Limit, r.Used, r.Requested, (r.Wait + time.Millisecond - 1).Truncate(time.Millisecond))
}

func geminiBody(r *Refusal) object {
	quota := map[Kind]string{
		Requests: "GenerateRequestsPerMinutePerProjectPerModel", Requests.per(day): "GenerateRequestsPerDayPerProjectPerModel",
	}[r.Kind]
	if quota == "" {
		quota = "GenerateContentInputTokensPerModelPerMinute"
	}
	return object{"error": object{
		"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded: " + quota,
		"details": []object{
			{
				"@type":      "type.googleapis.com/google.rpc.QuotaFailure",
				"violations": []object{{"quotaId": quota, "quotaValue": fmt.Sprint(r.Limit)}},
			},
			{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": fmt.Sprintf("%.3fs", r.Wait.Seconds())},
		},
	}}
}
