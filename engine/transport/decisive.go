package transport

// decisive are the members of a body that the transport reads, the only ones that it
// keeps, so that memory does not grow with their number. Parsers differ about a member
// that stands twice, or in another case: a provider could read another model, or a
// larger answer, than was admitted.
var decisive = []string{
	"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of",
	"messages", "input", "instructions", "system", "prompt", "tools", "functions", "response_format", "text", "output_format",
	"previous_response_id", "conversation", "prompt_cache_key", "background", "store", "metadata", "reasoning", "thinking", "prediction",
	"tags", "priority", "fallbacks", "disable_fallbacks", "service_tier", "user", "safety_identifier",
	"litellm_session_id", "litellm_trace_id", "litellm_metadata",
}
