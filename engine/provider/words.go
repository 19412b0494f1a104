package provider

import "strings"

// A word is a row of the table by which errors are classified: a text in an error, and the kind
// of that error. Words count before the status, because providers answer different errors with
// the same status.
type word struct {
	kind Kind
	// code must be in the error's code, type, status or reasons, in lower case and with or
	// without the signs between its words; "" = any.
	code string
	text string // must be in the error's message, in lower case; "" = any
	// status and from must be those of the answer; 0 and "" = any.
	status   int
	from     string
	source   string
	squeezed string // code, squeezed by init
}

func init() {
	for i := range words {
		words[i].squeezed = squeeze(words[i].code)
	}
}

// The sources of the rows. A row that is "recorded" was found in public collections of
// exchanges, and on no page of the provider.
const (
	openAIErrors    = "https://platform.openai.com/docs/guides/error-codes"
	azureErrors     = "https://learn.microsoft.com/azure/ai-foundry/openai/reference"
	anthropicErrors = "https://platform.claude.com/docs/en/api/errors"
	bedrockErrors   = "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"
	geminiErrors    = "https://ai.google.dev/gemini-api/docs/troubleshooting"
	groqErrors      = "https://console.groq.com/docs/errors"
	mistralErrors   = "https://github.com/continuedev/continue/issues/6185, https://github.com/tmc/langchaingo/issues/1233"
	xaiErrors       = "https://github.com/continuedev/continue/issues/10373, https://github.com/openai/codex/issues/1352"
	routerErrors    = "https://openrouter.ai/docs/api-reference/errors"
	huggingErrors   = "https://huggingface.co/docs/inference-providers/hub-api"
	cohereErrors    = "https://docs.cohere.com/reference/errors"
	liteLLMErrors   = "https://docs.litellm.ai/docs/proxy/users"
	alibabaErrors   = "https://www.alibabacloud.com/help/en/model-studio/error-code"
	volcanoErrors   = "https://www.volcengine.com/docs/82379/1299023"
	recorded        = "recorded"
)

// words are searched in this order; the first row that matches decides.
var words = []word{
	// Faults of the request on every deployment. A content filter rejects the prompt.
	{kind: Rejected, code: "content_filter", source: azureErrors},
	{kind: Rejected, code: "responsibleaipolicyviolation", source: azureErrors},
	{kind: Rejected, code: "content_policy_violation", source: openAIErrors},
	{kind: Rejected, code: "moderation_blocked", source: openAIErrors},
	{kind: Rejected, code: "data_inspection_failed", source: alibabaErrors},
	{kind: Rejected, code: "sensitive_content", source: volcanoErrors},
	{kind: Rejected, code: "invalid_prompt", source: openAIErrors},
	{kind: Rejected, code: "previous_response_not_found", source: recorded},
	{kind: Rejected, text: "previous response with id", source: recorded},
	{kind: Rejected, text: "item with id", status: 404, source: recorded},
	{kind: Rejected, text: "no such file", status: 404, source: recorded},
	{kind: Rejected, text: "blocked output", status: statusGroqCapacity, source: cohereErrors},
	{kind: Rejected, text: "blocked input", status: statusGroqCapacity, source: cohereErrors},
	{kind: Rejected, text: "your input was flagged", status: 403, source: routerErrors},
	{kind: Rejected, text: "content violates usage guidelines", status: 403, source: recorded}, // xAI
	{kind: Rejected, text: "safety_check_type", status: 403, source: recorded},                 // xAI

	// Faults of one parameter, whose message repeats it.
	{kind: Rejected, code: "invalid_value", source: openAIErrors},
	{kind: Rejected, code: "invalid_type", source: openAIErrors},
	{kind: Rejected, code: "unknown_parameter", source: openAIErrors},
	{kind: Rejected, code: "unsupported_parameter", source: openAIErrors},
	{kind: Rejected, code: "missing_required_parameter", source: openAIErrors},

	// A rate limit, though a paid account would have a higher one.
	{kind: RateLimit, text: "reduced rate limits", status: statusTooMany, source: "https://docs.voyageai.com/docs/rate-limits"},

	// The account is empty.
	{kind: NoMoney, code: "insufficient_quota", source: openAIErrors},
	{kind: NoMoney, code: "billing_", source: openAIErrors},
	{kind: NoMoney, code: "insufficient_balance", source: recorded},
	{kind: NoMoney, code: "insufficient_funds", source: recorded},
	{kind: NoMoney, code: "insufficient_credits", source: recorded},
	{kind: NoMoney, code: "payment_required", source: recorded},
	{kind: NoMoney, code: "exceeded_current_quota", source: recorded}, // Moonshot
	{kind: NoMoney, code: "arrearage", source: recorded},              // Alibaba
	{kind: NoMoney, code: "free_tier_only", source: alibabaErrors},
	{kind: NoMoney, code: "account_overdue", source: volcanoErrors},
	{kind: NoMoney, text: "free trial quota", source: volcanoErrors},
	{kind: NoMoney, code: "budget_exceeded", source: liteLLMErrors},
	{kind: NoMoney, text: "budget has been exceeded", source: liteLLMErrors},
	{kind: NoMoney, text: "credit balance is too low", source: anthropicErrors},
	{kind: NoMoney, text: "exceeded your current quota, please check your plan and billing", from: "not google", source: openAIErrors},
	{kind: NoMoney, text: "used all available credits", source: xaiErrors},
	{kind: NoMoney, text: "run out of credits", source: xaiErrors},
	{kind: NoMoney, text: "monthly spending limit", source: xaiErrors},
	{kind: NoMoney, text: "insufficient balance", source: recorded}, // DeepSeek
	{kind: NoMoney, text: "insufficient credits", source: routerErrors},
	{kind: NoMoney, text: "requires more credits", source: routerErrors},
	{kind: NoMoney, text: "monthly included credits", source: huggingErrors},
	{kind: NoMoney, text: "not active, please check your billing", source: openAIErrors},
	{kind: NoMoney, text: "spend", status: statusTooMany, from: "anthropic", source: "https://platform.claude.com/docs/en/api/rate-limits"},
	{kind: NoMoney, text: "usage limit", status: statusTooMany, from: "anthropic", source: "https://platform.claude.com/docs/en/api/rate-limits"},
	{kind: NoMoney, text: "reached your specified api usage limits", from: "anthropic", source: recorded},

	// Too large for this deployment: another model or context window may take it.
	{kind: TooLarge, code: "request_too_large", source: anthropicErrors},
	{kind: TooLarge, code: "context_length_exceeded", source: openAIErrors},
	{kind: TooLarge, code: "exceed_context_size", source: recorded}, // llama.cpp
	{kind: TooLarge, code: "too_many_tokens", source: recorded},     // Cohere
	{kind: TooLarge, code: "too_many_prompt_tokens", source: recorded},
	{kind: TooLarge, code: "tokens_limit_reached", source: recorded}, // GitHub Models
	{kind: TooLarge, text: "request too large", source: groqErrors},
	{kind: TooLarge, text: "maximum context length", source: openAIErrors}, // vLLM, DeepSeek, OpenRouter and Mistral too
	{kind: TooLarge, text: "maximum model length", source: recorded},       // older vLLM
	{kind: TooLarge, text: "maximum prompt length", source: recorded},      // xAI
	{kind: TooLarge, text: "prompt is too long", source: anthropicErrors},
	{kind: TooLarge, text: "prompt too long", source: recorded}, // Ollama
	{kind: TooLarge, text: "input is too long", source: bedrockErrors},
	{kind: TooLarge, text: "input tokens exceeded", source: recorded}, // Bedrock
	{kind: TooLarge, text: "too many input tokens", source: recorded}, // Bedrock
	{kind: TooLarge, text: "exceed context limit", source: anthropicErrors},
	{kind: TooLarge, text: "too many tokens: ", source: recorded}, // Cohere
	{kind: TooLarge, text: "exceeds the maximum number of tokens", source: geminiErrors},
	{kind: TooLarge, text: "exceeds the context window", source: openAIErrors},
	{kind: TooLarge, text: "exceeds the available context size", source: recorded}, // llama.cpp
	{kind: TooLarge, text: "context length exceeded", source: recorded},
	{kind: TooLarge, text: "exceeds the context length", source: recorded}, // Ollama
	{kind: TooLarge, text: "exceeds maximum context", source: recorded},
	{kind: TooLarge, text: "max context length", source: recorded},              // Ollama
	{kind: TooLarge, text: "greater than the context length", source: recorded}, // LM Studio
	{kind: TooLarge, text: "context window exceeds limit", source: recorded},    // MiniMax
	{kind: TooLarge, text: "exceeded model token limit", source: recorded},      // Moonshot
	{kind: TooLarge, text: "reduce the length of the messages", source: groqErrors},
	{kind: TooLarge, text: "range of input length should be", source: recorded}, // Alibaba
	{kind: TooLarge, text: "`max_new_tokens` must be", source: "https://github.com/huggingface/text-generation-inference/blob/main/router/src/validation.rs"},
	{kind: TooLarge, text: "`inputs` must have less than", source: "https://github.com/huggingface/text-generation-inference/blob/main/router/src/validation.rs"},
	{kind: TooLarge, text: "total length of all messages is too long", source: recorded}, // Perplexity
	{kind: TooLarge, text: "request payload size exceeds", source: geminiErrors},
	{kind: TooLarge, text: "request body too large", source: recorded}, // GitHub Models
	{kind: TooLarge, text: "while limit is", source: recorded},         // Cerebras
	{kind: TooLarge, text: "usage is required for long context", from: "anthropic", source: anthropicErrors},

	// The deployment does not serve the model. (Its code contains "unavailable" too.)
	{kind: Other, code: "unavailable_model", source: azureErrors},

	// No capacity, whatever the limits.
	{kind: Overloaded, code: "overloaded", source: anthropicErrors},
	{kind: Overloaded, code: "unavailable", source: geminiErrors}, // Bedrock's ServiceUnavailable, OpenAI's resource_unavailable
	{kind: Overloaded, code: "slow_down", source: openAIErrors},
	{kind: Overloaded, code: "modelnotready", source: bedrockErrors},
	{kind: Overloaded, code: "capacity_exceeded", source: groqErrors},
	{kind: Overloaded, code: "capacity_exhausted", source: "https://github.com/google-gemini/gemini-cli/issues/23520"},
	{kind: Overloaded, code: "nocapacity", source: azureErrors},
	{kind: Overloaded, code: "queue_exceeded", source: recorded}, // Cerebras
	{kind: Overloaded, text: "tier capacity exceeded", source: mistralErrors},
	{kind: Overloaded, text: "model is at capacity", source: "https://github.com/openai/codex/issues/19446"},
	{kind: Overloaded, text: "is overloaded", source: openAIErrors},
	{kind: Overloaded, text: "is currently overloaded", source: recorded},
	{kind: Overloaded, text: "high demand", source: azureErrors},
	{kind: Overloaded, text: "currently loading", source: recorded}, // Hugging Face

	// A limit is used up for now.
	{kind: RateLimit, code: "rate_limit", source: openAIErrors},
	{kind: RateLimit, code: "resource_exhausted", source: geminiErrors},
	{kind: RateLimit, code: "throttling", source: bedrockErrors},
	{kind: RateLimit, code: "servicequotaexceeded", source: bedrockErrors},
	{kind: RateLimit, code: "too_many_requests", source: recorded},
	{kind: RateLimit, code: "429", source: azureErrors},

	// Faults of the deployment: its key, account, region, model or name.
	{kind: Other, code: "invalid_api_key", source: openAIErrors},
	{kind: Other, code: "api_key_invalid", source: geminiErrors},
	{kind: Other, code: "invalid_iam_token", source: recorded},        // Baidu
	{kind: Other, code: "auth_failure", source: recorded},             // Tencent
	{kind: Other, code: "invalid_client_token_id", source: recorded},  // AWS
	{kind: Other, code: "signature_does_not_match", source: recorded}, // AWS
	{kind: Other, code: "authentication", source: anthropicErrors},
	{kind: Other, code: "permission", source: anthropicErrors}, // permission_error, PERMISSION_DENIED
	{kind: Other, code: "unauthorized", source: recorded},
	{kind: Other, code: "accessdenied", source: bedrockErrors},
	{kind: Other, code: "unrecognizedclient", source: bedrockErrors},
	{kind: Other, code: "expiredtoken", source: bedrockErrors},
	{kind: Other, code: "incompletesignature", source: bedrockErrors},
	{kind: Other, code: "requestexpired", source: bedrockErrors},
	{kind: Other, code: "notauthorized", source: bedrockErrors},
	{kind: Other, code: "model_not_found", source: openAIErrors},
	{kind: Other, code: "model_not_available", source: recorded}, // Together
	{kind: Other, code: "model_not_supported", source: huggingErrors},
	{kind: Other, code: "model_decommissioned", source: groqErrors},
	{kind: Other, code: "invalid_model", source: mistralErrors}, // Perplexity too
	{kind: Other, code: "unknown_model", source: recorded},      // GitHub Models
	{kind: Other, code: "unsupported_model", source: openAIErrors},
	{kind: Other, code: "deprecated", source: azureErrors}, // ModelDeprecated, DeploymentModelDeprecated
	{kind: Other, code: "invalid_api_version", source: azureErrors},
	{kind: Other, code: "deploymentnotfound", source: azureErrors},
	{kind: Other, code: "operationnotsupported", source: "https://github.com/run-llama/llama_index/issues/16503"},
	{kind: Other, code: "resourcenotfound", source: azureErrors},
	{kind: Other, code: "organization_restricted", source: "https://github.com/crewAIInc/crewAI/issues/783"},
	{kind: Other, code: "account_deactivated", source: openAIErrors},
	{kind: Other, code: "invalid_organization", source: openAIErrors},
	{kind: Other, code: "mismatched_", source: openAIErrors}, // mismatched_organization, mismatched_project
	{kind: Other, code: "unsupported_country", source: openAIErrors},
	{kind: Other, code: "failed_precondition", source: geminiErrors}, // region, billing
	{kind: Other, code: "conflict_error", status: statusConflict, source: recorded},
	{kind: Other, code: "lock_timeout", status: statusConflict, source: openAIErrors},
	{kind: Other, code: "conflictexception", status: statusConflict, source: bedrockErrors},
	{kind: Other, code: "requestconflict", status: statusConflict, source: azureErrors},
	{kind: Other, text: "being updated", status: statusConflict, source: recorded}, // Azure: the deployment
	{kind: Other, text: "incorrect api key", source: xaiErrors},
	{kind: Other, text: "invalid api key", source: recorded},
	{kind: Other, text: "api key not valid", source: geminiErrors},
	{kind: Other, text: "api key expired", source: geminiErrors},
	{kind: Other, text: "invalid x-api-key", source: anthropicErrors},
	{kind: Other, text: "organization has been", source: "https://github.com/crewAIInc/crewAI/issues/783"}, // disabled, restricted
	{kind: Other, text: "location is not supported", source: geminiErrors},
	{kind: Other, text: "model identifier is invalid", source: bedrockErrors},
	{kind: Other, text: "on-demand throughput isn", source: bedrockErrors},
	{kind: Other, text: "security token included in the request is", source: bedrockErrors},
	{kind: Other, text: "access to the model", source: bedrockErrors},
	{kind: Other, text: "operation not allowed", from: "bedrock", source: bedrockErrors},
	{kind: Other, text: "credential is only authorized", from: "anthropic", source: anthropicErrors},
	{kind: Other, text: "organization must be verified", source: openAIErrors},
	{kind: Other, text: "invalid model name", source: liteLLMErrors},
	{kind: Other, text: "not a valid model id", source: routerErrors},
	{kind: Other, text: "no endpoints found", source: routerErrors},
	{kind: Other, text: "model not exist", source: recorded}, // DeepSeek
	{kind: Other, text: "no such model", source: recorded},   // Cloudflare
	{kind: Other, text: "api version not supported", source: azureErrors},
	{kind: Other, text: "does not work with the specified model", source: azureErrors},
}

// match reports whether an error has the words of a row.
func (w *word) match(r *reader, e *refusal) bool {
	switch {
	case w.status != 0 && w.status != r.status:
		return false
	case w.from == "not google" && (r.Provider == "gemini" || r.Provider == "vertex"):
		return false
	case w.from != "" && w.from != "not google" && w.from != r.Provider:
		return false
	case w.code != "" && !strings.Contains(e.codes, w.squeezed):
		return false
	}
	if w.text == "" {
		return true
	}
	if w.kind == Rejected || w.kind == TooLarge {
		return strings.Contains(e.lower, w.text)
	}
	return strings.Contains(e.own, w.text) // a client must not decide on a deployment by what it has an error quote
}
