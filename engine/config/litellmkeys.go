package config

// What LiteLLM knows, as far as it matters: keys without a warning, and those
// that LiteLLM acts on and plimsoll does not.

// paramKeys are the keys of litellm_params that are read. All others go to the
// provider, so only those that look like one of these are worth a warning.
var paramKeys = []string{"model", "rpm", "tpm", "itpm", "otpm", "order", "weight", "tags", "max_parallel_requests", "organization"}

// paramOthers are near one of paramKeys and mean something else.
var paramOthers = []string{"top_p", "top_k", "mode", "tag", "region", "models"}
