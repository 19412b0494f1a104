package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// What providers and gateways answer in other shapes and words than those of TestKinds:
// pages, XML, events, errors inside errors, codes in any writing, messages that say a known
// thing in their own words, and errors of vendors that answer them with 200.
func TestShapes(t *testing.T) {
	type answer struct {
		provider string
		status   int
		body     string
	}
	for want, answers := range map[provider.Kind][]answer{
		provider.Other: {
			{"", 400, `<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>`},
			{"", 400, `<!DOCTYPE html><html lang=en><title>Error 400 (Bad Request)!!1</title>`},
			{"", 403, `<!DOCTYPE html><title>Attention Required! | Cloudflare</title>`},
			{"", 404, `404 page not found`},
			{"", 410, `{"error":"The requested model is deprecated and no longer supported by provider hf-inference."}`},
			{"azure", 410, `{"error":{"code":"ModelDeprecated","message":"The model has been deprecated"}}`},
			{"", 451, `{"error":{"message":"not available in your region"}}`},
			{"", 407, `<html>Proxy Authentication Required</html>`},
			{"", 421, `misdirected`},
			{"", 423, `{"error":"locked"}`},
			{"", 425, `too early`},
			{"", 426, `upgrade`},
			{"", 499, `{"error":{"code":499,"message":"The operation was cancelled.","status":"CANCELLED"}}`},
			{"", 520, `<html>`},
			{"", 530, `error code: 1016`},
			{"", 412, `{"error":{"message":"Account x is suspended","code":"PRECONDITION_FAILED"}}`},
			{"", 400, `{"error":{"code":"1211","message":"模型不存在,请检查模型代码。"}}`},
			{"", 200, `{"base_resp":{"status_code":1004,"status_msg":"login fail: Please carry the API secret key"}}`},
			{"", 200, `{"error_code":110,"error_msg":"Access token invalid or no longer valid"}`},
			{"", 400, `{"error_code":"PERMISSION_DENIED","message":"x"}`},
			{"", 200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"x"},"RequestId":"y"}}`},
			{"", 200, `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null}`},
			{"", 200, `{"detail":"Not authenticated"}`},
			{"", 200, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]`},
			{"", 404, `{"error":{"code":"InvalidEndpointOrModel.NotFound","message":"The model or endpoint x does not exist or you do not have access to it."}}`},
			{"bedrock", 400, `{"message":"Operation not allowed"}`},
			{"bedrock", 400, `{"message":"Your account is not authorized to invoke this API operation."}`},
			{"bedrock", 400, `{"message":"This model version has reached the end of its life."}`},
			{"anthropic", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"This credential is only authorized for use with Claude Code and cannot be used for other API requests."}}`},
			{"anthropic", 404, `{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}`},
			{"openai", 400, `{"error":{"message":"Your organization must be verified to stream this model. Please go to: x","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}`},
			{"openai", 400, `{"error":{"message":"The requested model 'x' cannot be used.","type":"invalid_request_error","param":"model","code":"unsupported_model"}}`},
			{"openai", 400, "{\"error\":{\"message\":\"The model `x` has been deprecated, learn more here\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}"},
			{"azure", 400, `{"error":{"code":"BadRequest","message":"Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later"}}`},
			{"azure", 400, `{"error":{"code":"InvalidApiVersionParameter","message":"The api-version is invalid."}}`},
			{"azure", 400, `{"error":{"code":"unavailable_model","message":"Unavailable model: x"}}`},
			{"azure", 400, `{"error":{"code":"DeploymentModelDeprecated","message":"x"}}`},
			{"gemini", 400, `{"error":{"code":400,"message":"API Key not found. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`},
			{"", 400, `{"error":{"error":{"code":"model_not_found","message":"x"}}}`},
			{"", 400, `{"detail":{"error":{"code":"invalid_api_key","message":"x"}}}`},
			{"", 400, `{"error":{"message":"{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"bad\"}}","code":400}}`},
			{"", 400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"x\"}}","provider_name":"Azure"}}}`},
			{"", 400, `{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}`},
			{"", 400, "event: error\ndata: {\"error\":{\"code\":\"model_not_found\",\"message\":\"x\"}}\n\n"},
			{"", 400, `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>`},
			{"", 400, `{"error":"invalid api key"}`},
			{"", 400, `{"error":{"message":"API key is invalid"}}`},
			{"", 400, `{"message":"The api key provided is disabled"}`},
			{"", 400, `{"error":{"message":"Missing API key"}}`},
			{"", 400, `{"error":{"message":"Your API key has been revoked"}}`},
			{"", 400, `{"error":{"message":"Authentication failed"}}`},
			{"", 400, `{"error":{"message":"Model x not found"}}`},
			{"", 400, `{"error":{"message":"model \"x\" not found, try pulling it first"}}`},
			{"", 400, `{"error":{"message":"The model x is not available in your region"}}`},
			{"", 400, `{"error":{"message":"Unknown model: x"}}`},
			{"", 400, `{"error":{"message":"Unsupported model: x"}}`},
			{"", 400, `{"error":{"message":"Country, region, or territory not supported"}}`},
			{"", 400, `{"error":{"message":"Your account has been suspended"}}`},
			{"", 400, `{"error":{"message":"You do not have access to this model"}}`},
			{"", 200, `{"error":{"type":"api_error","message":"Internal server error"}}`},
			{"", 200, `{"error":"upstream connect error or disconnect/reset before headers"}`},
			{"", 200, `{"status":"error","message":"boom"}`},
			{"", 200, `{"object":"error","message":"x","type":"internal","code":50001}`},
			{"", 200, `{"code":500,"message":"internal"}`},
			{"", 200, `{"statusCode":500,"error":"Internal Server Error","message":"x"}`},
			{"", 200, `{"error":{"message":"An error","code":null,"param":null,"type":null}}`},
			{"", 500, `{"error":{"message":"The server had an error while processing your request"}}`},
			{"", 502, `<html><center><h1>502 Bad Gateway</h1></center></html>`},
		},
		provider.Overloaded: {
			{"", 529, `overloaded`},
			{"", 429, `{"error":{"code":"ServerOverloaded","message":"The service is currently unable to process"}}`},
			{"", 400, `{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}`},
			{"", 400, `{"error":{"message":"Server is busy, please try again later"}}`},
			{"", 429, `{"error":{"message":"The model is currently at capacity"}}`},
			{"", 500, `{"error":{"message":"That model is currently overloaded with other requests."}}`},
			{"", 200, `{"error":{"message":"Overloaded"}}`},
			{"", 200, `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`},
		},
		provider.NoMoney: {
			{"", 412, `{"error":{"message":"Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.","code":"PRECONDITION_FAILED"}}`},
			{"", 429, `{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}`},
			{"", 200, `{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`},
			{"", 429, `{"error":{"type":"credit_limit","message":"Credit limit exceeded, please navigate to billing"}}`},
			{"", 403, `{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted."}`},
			{"", 400, `{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing."}`},
			{"", 403, `{"error":{"code":"AccountOverdueError","message":"The request failed because your account has an overdue balance."}}`},
			{"bedrock", 403, `{"message":"Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided."}`},
			{"vertex", 403, `{"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}`},
			{"", 400, `{"error":{"message":"Your account balance is not enough to run this query, please recharge"}}`},
			{"", 403, `{"error":{"message":"Please add a payment method to your account"}}`},
			{"", 400, `{"error":{"message":"You have exceeded your monthly budget","type":"budget_exceeded"}}`},
			{"", 429, `{"error":{"message":"You have no credits left"}}`},
			{"", 403, `{"errors":[{"code":"token_quota_reached","message":"Monthly token quota reached"}]}`},
			{"", 400, `{"error":{"message":"Not enough credits"}}`},
		},
		provider.Rejected: {
			{"", 400, `{"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}}`},
			{"", 400, `{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}`},
			{"", 400, `{"code":"DataInspectionFailed","message":"Output data may contain inappropriate content."}`},
			{"", 400, `{"error":{"code":"SensitiveContentDetected","message":"The request failed because the input text may contain sensitive information."}}`},
			{"", 400, `{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.","type":"invalid_request_error","param":"max_tokens"}}`},
			{"", 400, `{"error":{"message":"Invalid 'messages[0].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 64 instead.","code":"string_above_max_length"}}`},
			{"", 400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","code":"unsupported_parameter"}}`},
			{"", 400, `{"error":{"message":"This model does not support image input","type":"invalid_request_error"}}`},
			{"", 400, `{"error":{"message":"Could not finish the message because max_tokens or model output limit was reached.","type":"invalid_request_error"}}`},
			{"", 400, `{"error":{"message":"you must provide a model parameter"}}`},
			{"", 400, `{"error":{"message":"Invalid type for 'messages': expected an array"}}`},
			{"", 400, `{"error":{"message":"Tool choice 'x' not found in 'tools' parameter."}}`},
			{"", 404, `{"error":{"message":"Item with id 'rs_1' not found.","type":"invalid_request_error"}}`},
			{"", 400, `{"error":{"message":"No tool output found for function call call_1.","type":"invalid_request_error"}}`},
			{"", 400, `{"error":{"code":"invalid_image_url","message":"Failed to download image"}}`},
			{"azure", 400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400}}`},
			{"anthropic", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}`},
			{"anthropic", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages: at least one message is required"}}`},
			{"", 400, `{"error":{"message":"temperature is not available for this model"}}`},
			{"", 422, `{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required"}]}`},
			{"", 415, `{"error":{"message":"unsupported media type"}}`},
			{"", 409, `{"error":{"message":"x"}}`},
			{"", 400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"code\":\"content_filter\",\"message\":\"x\"}}","provider_name":"Azure"}}}`},
			{"", 200, `{"error":{"message":"bad","type":"invalid_request_error"}}`},
		},
		provider.RateLimit: {
			{"", 429, `{"error":{"code":"1302","message":"您的账户已达到速率限制"}}`},
			{"", 200, `{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`},
			{"", 200, `{"error_code":18,"error_msg":"Open api qps request limit reached"}`},
			{"", 429, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"x"}`},
			{"", 200, `[{"error":{"code":429,"message":"exhausted","status":"RESOURCE_EXHAUSTED"}}]`},
			{"", 400, `{"fault":{"faultstring":"Rate limit quota violation. Quota limit exceeded.","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}`},
			{"", 400, "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"x\"}}\n\n"},
			{"", 400, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`},
			{"", 403, `{"message":"User Rate Limit Exceeded","error":{"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded"}],"code":403,"message":"User Rate Limit Exceeded"}}`},
			{"", 400, `{"error":{"message":"Too many requests, please slow down"}}`},
			{"", 503, `{"error":{"code":"rate_limit_exceeded","message":"x"}}`},
			{"", 429, ``},
			{"", 429, `<html><title>429 Too Many Requests</title></html>`},
			{"", 429, `{"message":"Limit Exceeded"}`},
			{"", 429, `{"type":"urn:problem:rate","title":"Too Many Requests","status":429,"detail":"slow"}`},
		},
		provider.Fine: {
			{"", 200, `{"id":"x","choices":[{"message":{"content":"hi"}}],"base_resp":{"status_code":0,"status_msg":""}}`},
		},
		provider.TooLarge: {
			{"bedrock", 400, `{"message":"Malformed input request: #/texts/0: expected maxLength: 2048, actual: 3000, please reformat your input and try again."}`},
			{"anthropic", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages: too many total text bytes: 10000000 > 9000000"}}`},
			{"anthropic", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}`},
			{"vertex", 400, `{"error":{"code":400,"message":"Unable to submit request because the input token count is 1250074 but model only supports up to 1048576. Reduce the input token count and try again.","status":"INVALID_ARGUMENT"}}`},
			{"", 400, `{"object":"error","message":"The input (10127 tokens) is longer than the model's context length (8192 tokens).","type":"BadRequestError","code":400}`},
			{"", 400, `{"error":{"message":"You passed 5000 input tokens and requested 16 output tokens. However, the model's context length is only 4096 tokens."}}`},
			{"", 400, `{"error":{"message":"Requested generation length 100 is not possible! The provided prompt is 9000 tokens long, so generating 100 tokens requires a sequence length of 9100, but the maximum supported sequence length is just 8192!"}}`},
			{"", 400, `{"detail":"The max allowed tokens per submitted batch is 120000. Your batch has 200000 tokens after truncation."}`},
			{"", 400, `{"detail":"Input text exceeds maximum length of 8192 tokens"}`},
			{"", 422, `{"error":"Input validation error: inputs tokens + max_new_tokens must be <= 4097. Given: 5000 inputs tokens and 16 max_new_tokens"}`},
			{"", 400, `{"message":"prompt token count of 130000 exceeds the limit of 128000"}`},
			{"", 400, `{"error":{"message":"Your request exceeded model token limit: 8192","type":"invalid_request_error"}}`},
			{"", 400, `{"error":{"message":"Conversation is too long for the model"}}`},
			{"", 400, `{"error":{"message":"{\"error\": {\"code\": \"context_length_exceeded\", \"message\": \"x\"}}","code":400}}`},
			{"", 400, "data: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"x\",\"code\":\"context_length_exceeded\"}}\r\n\r\n"},
			{"", 200, `{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error"}}`},
		},
	} {
		for _, a := range answers {
			s := provider.Read(provider.Answer{Provider: a.provider, Status: a.status, Body: []byte(a.body), At: at})
			require.Equal(t, want.String(), s.Kind.String(), "%d %s", a.status, a.body)
		}
	}
}

// What a client wrote and a provider repeats says nothing of the deployment: a client could
// have others' deployments cool down.
func TestRepeatedWords(t *testing.T) {
	for _, body := range []string{
		`{"detail":[{"type":"string_type","loc":["body","messages",0],"msg":"Input should be a valid string","input":{"a":"the api key is invalid"}}]}`,
		`{"error":{"message":"Invalid value: 'the api key is invalid'. Supported values are: 'low' and 'high'.","type":"invalid_request_error"}}`,
		`{"error":{"message":"Unknown tool \"my account is suspended\"","type":"invalid_request_error"}}`,
		`{"error":{"message":"Could not parse {\"code\":\"model_not_found\",\"message\":\"x\"}","type":"invalid_request_error"}}`,
		`{"error":{"message":"Could not parse {'code': 'model_not_found'}","type":"invalid_request_error"}}`,
	} {
		s := provider.Read(provider.Answer{Status: 400, Body: []byte(body), At: at})
		require.Equal(t, provider.Rejected.String(), s.Kind.String(), body)
	}
}
