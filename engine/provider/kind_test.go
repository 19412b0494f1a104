package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// What providers answer, in their own form: whose fault it is. Where the source is a
// page or a thread it is in the table of words.go.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name, provider string
		status         int
		headers, body  string
		want           provider.Kind
		worked         bool
	}{
		// A key that is not taken, an account that may not, a region.
		{"Gemini, key", "gemini", 400, "", `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, provider.Other, false},
		{"Gemini, key, by the reason alone", "gemini", 400, "", `[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}]`, provider.Other, false},
		{"Gemini, region", "gemini", 400, "", `{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}`, provider.Other, false},
		{"Gemini, not enabled", "gemini", 403, "", `{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`, provider.Other, false},
		{"xAI, key", "", 400, "", `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: sk***xx."}`, provider.Other, false},
		{"OpenAI, key", "openai", 401, "", `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`, provider.Other, false},
		{"OpenAI, country", "openai", 403, "", `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}`, provider.Other, false},
		{"Groq, organization", "groq", 400, "", `{"error":{"message":"Organization has been restricted. Please reach out to support.","type":"invalid_request_error","code":"organization_restricted"}}`, provider.Other, false},
		{"Anthropic, organization", "anthropic", 400, "", `{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}`, provider.Other, false},
		{"Bedrock, token", "bedrock", 403, "x-amzn-errortype: UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`, provider.Other, false},
		{"Bedrock, token with 400", "bedrock", 400, "x-amzn-errortype: ExpiredTokenException", `{"message":"The security token included in the request is expired"}`, provider.Other, false},

		// A model or a deployment that is not there.
		{"OpenAI, model with 400", "openai", 400, "", `{"error":{"code":"model_not_found","message":"The requested model 'm' does not exist.","param":"model","type":"invalid_request_error"}}`, provider.Other, false},
		{"OpenAI, model with 404", "openai", 404, "", `{"error":{"code":"model_not_found","message":"The model does not exist or you do not have access to it."}}`, provider.Other, false},
		{"Azure, deployment", "azure", 404, "", `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`, provider.Other, false},
		{"Azure, operation", "azure", 400, "", `{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, m."}}`, provider.Other, false},
		{"Bedrock, model", "bedrock", 400, "", `{"message":"The provided model identifier is invalid."}`, provider.Other, false},
		{"Bedrock, no on-demand", "bedrock", 400, "", `{"message":"Invocation of model ID m with on-demand throughput isn’t supported."}`, provider.Other, false},
		{"Mistral, model", "mistral", 400, "", `{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}`, provider.Other, false},
		{"Groq, decommissioned", "groq", 400, "", `{"error":{"message":"The model m has been decommissioned","type":"invalid_request_error","code":"model_decommissioned"}}`, provider.Other, false},
		{"DeepSeek, model", "", 400, "", `{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, provider.Other, false},
		{"OpenRouter, model", "", 400, "", `{"error":{"message":"x/y is not a valid model ID","code":400},"user_id":"u"}`, provider.Other, false},
		{"Ollama, model", "", 404, "", `{"error":"model 'x' not found"}`, provider.Other, false},
		{"Cloudflare, model", "", 400, "", `{"success":false,"errors":[{"code":5007,"message":"No such model @cf/x or task"}]}`, provider.Other, false},
		{"FastAPI, address", "", 404, "", `{"detail":"Not Found"}`, provider.Other, false},

		// It failed, or gave up: it may have counted the call.
		{"timeout", "azure", 408, "", `{"error":{"code":"Timeout","message":"The operation was timeout."}}`, provider.Other, true},
		{"Bedrock, model error", "bedrock", 424, "x-amzn-errortype: ModelErrorException", `{"message":"Model error"}`, provider.Other, true},
		{"500", "", 500, "", `{"error":{"message":"The server had an error","type":"server_error"}}`, provider.Other, true},
		{"502 of a proxy", "", 502, "", `<html>Bad Gateway</html>`, provider.Other, true},
		{"504", "", 504, "", ``, provider.Other, true},
		{"conflict, known", "", 409, "", `{"error":{"message":"conflict","type":"conflict_error"}}`, provider.Other, false},
		{"conflict, unknown", "", 409, "", `{"error":{"message":"this key was used with another body","type":"idempotency_error"}}`, provider.Rejected, false},

		// Too large here.
		{"OpenAI", "openai", 400, "", `{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}`, provider.TooLarge, false},
		{"older vLLM", "", 400, "", `{"object":"error","message":"The decoder prompt (length 10127) is longer than the maximum model length of 8192.","type":"BadRequestError","code":400}`, provider.TooLarge, false},
		{"Vertex", "vertex", 400, "", `{"error":{"code":400,"message":"The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}`, provider.TooLarge, false},
		{"Bedrock", "bedrock", 400, "", `{"message":"The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length."}`, provider.TooLarge, false},
		{"Bedrock, Claude", "bedrock", 400, "x-amzn-errortype: ValidationException", `{"message":"Input is too long for requested model."}`, provider.TooLarge, false},
		{"Cohere", "cohere", 400, "", `{"error_type":"TOO_MANY_TOKENS","message":"too many tokens: size limit exceeded by 25836 tokens."}`, provider.TooLarge, false},
		{"Ollama", "", 400, "", `{"error":{"message":"prompt too long; exceeded max context length by 1119046 tokens","type":"invalid_request_error"}}`, provider.TooLarge, false},
		{"Perplexity", "", 400, "", `{"error":{"message":"The total length of all messages is too long.","type":"too_many_prompt_tokens","code":400}}`, provider.TooLarge, false},
		{"llama.cpp, with 500", "", 500, "", `{"error":{"code":500,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`, provider.TooLarge, false},
		{"xAI", "", 400, "", `{"code":"invalid-argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}`, provider.TooLarge, false},
		{"Anthropic", "anthropic", 400, "", `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 214850 tokens > 200000 maximum"}}`, provider.TooLarge, false},
		{"Anthropic, with the output", "anthropic", 400, "", `{"type":"error","error":{"type":"invalid_request_error","message":"input length and max_tokens exceed context limit: 190000 + 20000 > 200000"}}`, provider.TooLarge, false},
		{"Hugging Face", "", 422, "", "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096\",\"error_type\":\"validation\"}", provider.TooLarge, false},
		{"Groq, larger than the limit", "groq", 429, "", `{"error":{"message":"Rate limit reached for model m on tokens per minute (TPM): Limit 7000, Used 0, Requested ~12903. Please try again in 50.59s.","type":"tokens","code":"rate_limit_exceeded"}}`, provider.TooLarge, false},
		{"Groq, 413", "groq", 413, "", `{"error":{"message":"Request too large for model m on tokens per minute (TPM): Limit 6,000, Requested 9,000","type":"tokens","code":"rate_limit_exceeded"}}`, provider.TooLarge, false},
		{"413 of a proxy", "", 413, "", `<html>413 Request Entity Too Large</html>`, provider.TooLarge, false},

		// No money.
		{"OpenAI, quota", "openai", 429, "", `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":"insufficient_quota"}}`, provider.NoMoney, false},
		{"the same with a wait", "openai", 429, "", `{"error":{"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 5.8s.","code":429}}`, provider.RateLimit, false},
		{"the same with Retry-After", "", 429, "retry-after: 3", `{"error":{"message":"Allocated quota exceeded","code":"insufficient_quota"}}`, provider.RateLimit, false},
		{"a wait of nothing is none", "", 429, "retry-after: 0", `{"error":{"message":"Allocated quota exceeded","code":"insufficient_quota"}}`, provider.NoMoney, false},
		{"Anthropic, credit", "anthropic", 400, "", `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`, provider.NoMoney, false},
		{"DeepSeek", "", 402, "", `{"error":{"message":"Insufficient Balance"}}`, provider.NoMoney, false},
		{"OpenRouter", "", 402, "retry-after: 9", `{"error":{"message":"Insufficient credits","code":402}}`, provider.NoMoney, false},
		{"xAI", "", 429, "", `{"code":"x","error":"Your team has either used all available credits or reached its monthly spending limit."}`, provider.NoMoney, false},
		{"LiteLLM", "", 400, "", `{"error":{"message":"Budget has been exceeded! Current cost: 1, Max budget: 1","type":"budget_exceeded","code":"400"}}`, provider.NoMoney, false},

		// No capacity.
		{"Anthropic, overloaded", "anthropic", 529, "", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, provider.Overloaded, false},
		{"the same with 500", "anthropic", 500, "", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, provider.Overloaded, false},
		{"Mistral, capacity", "mistral", 429, "", `{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","code":null}`, provider.Overloaded, false},
		{"OpenAI, flex", "openai", 429, "", `{"error":{"code":"resource_unavailable","message":"Flex processing capacity is not available","type":"resource_unavailable"}}`, provider.Overloaded, false},
		{"Groq, flex", "groq", 498, "", `{"error":{"message":"no","code":"capacity_exceeded"}}`, provider.Overloaded, false},
		{"Bedrock, not ready", "bedrock", 429, "x-amzn-errortype: ModelNotReadyException", `{"message":"Model is not ready"}`, provider.Overloaded, false},
		{"Gemini, capacity", "gemini", 503, "", `{"error":{"code":503,"message":"No capacity available for model on the server","status":"UNAVAILABLE"}}`, provider.Overloaded, false},

		// A limit is used up.
		{"Bedrock, quota with 400", "bedrock", 400, "x-amzn-errortype: ServiceQuotaExceededException", `{"message":"Your request exceeds a service quota."}`, provider.RateLimit, false},
		{"Bedrock, throttling with 400", "bedrock", 400, "x-amzn-errortype: ThrottlingException", `{"message":"Too many requests"}`, provider.RateLimit, false},
		{"Azure", "azure", 429, "", `{"error":{"code":"RateLimitReached","message":"Your requests have exceeded rate limit."}}`, provider.RateLimit, false},
		{"LiteLLM, deployments", "", 429, "", `{"error":{"message":"No deployments available for selected model, Try again in 60 seconds.","type":"None","code":"429"}}`, provider.RateLimit, false},

		// The request's fault stays with the client.
		{"Azure, filter", "azure", 400, "", `{"error":{"code":"content_filter","message":"filtered","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, provider.Rejected, false},
		{"OpenAI, invalid", "openai", 400, "", `{"error":{"message":"bad","type":"invalid_request_error"}}`, provider.Rejected, false},
		{"vLLM, invalid", "", 400, "", `{"object":"error","message":"temperature must be non-negative","type":"BadRequestError","code":400}`, provider.Rejected, false},
		{"422", "", 422, "", `{"detail":[{"loc":["body","messages"],"msg":"field required"}]}`, provider.Rejected, false},
		{"OpenRouter, moderation", "", 403, "", `{"error":{"message":"x requires moderation. Your input was flagged","code":403,"metadata":{"reasons":["violence"]}}}`, provider.Rejected, false},
		{"OpenAI, a chain that is gone", "openai", 404, "", `{"error":{"message":"Previous response with id 'resp_1' not found.","code":"previous_response_not_found"}}`, provider.Rejected, false},

		// Errors inside a 200.
		{"OpenRouter, chunk", "", 200, "", `{"id":"gen-1","error":{"code":502,"message":"Provider returned error"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`, provider.Other, true},
		{"OpenRouter, limit", "", 200, "", `{"error":{"code":429,"message":"x is temporarily rate-limited upstream"}}`, provider.RateLimit, false},
		{"OpenRouter, money", "", 200, "", `{"error":{"code":402,"message":"no"}}`, provider.NoMoney, false},
		{"OpenAI", "openai", 200, "", `{"error":{"message":"The server is overloaded","type":"server_error","code":null}}`, provider.Overloaded, false},
		{"OpenAI, server", "openai", 200, "", `{"type":"error","code":"server_error","message":"x"}`, provider.Other, true},
		{"a key", "gemini", 200, "", `{"error":{"message":"API key expired"}}`, provider.Other, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := provider.Read(provider.Answer{Provider: c.provider, Status: c.status, Header: headers(c.headers), Body: []byte(c.body), At: at})
			require.Equal(t, c.want.String(), s.Kind.String())
			require.Equal(t, c.worked, s.Worked)
		})
	}
}
