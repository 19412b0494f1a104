package config

// What LiteLLM knows, as far as it matters: keys without a warning, and those
// that LiteLLM acts on and plimsoll does not.

var topKeys = []string{
	modelList, "router_settings", "litellm_settings", "general_settings", "environment_variables", "include",
	"guardrails", "callback_settings", "credential_list", "mcp_servers", "mcp_aliases", "finetune_settings",
	"files_settings", "vector_store_registry", "search_tools", "prompts", "policies", "agents", "assistant_settings",
	"default_vertex_config",
}

var entryKeys = []string{"model_name", "litellm_params", "model_info", "rpm", "tpm", "itpm", "otpm", "num_retries"}

// paramKeys are the keys of litellm_params that are read. All others go to the
// provider, so only those that look like one of these are worth a warning.
var paramKeys = []string{"model", "rpm", "tpm", "itpm", "otpm", "order", "weight", "tags", "max_parallel_requests", "organization"}

// paramOthers are near one of paramKeys and mean something else.
var paramOthers = []string{"top_p", "top_k", "mode", "tag", "region", "models"}

var routerKeys = []string{
	"routing_strategy", "routing_strategy_args", "model_group_alias", "default_max_parallel_requests",
	"redis_url", "redis_host", "redis_port", "redis_password", "redis_username", "redis_db", "redis_ssl", "ssl", "cache_kwargs",
	"redis_startup_nodes", "startup_nodes", "sentinel_nodes", "service_name", "sentinel_password",
	"enable_pre_call_checks", "optional_pre_call_checks", "num_retries", "max_retries", "timeout", "stream_timeout",
	"allowed_fails", "allowed_fails_policy", "cooldown_time", "disable_cooldowns", "retry_after", "retry_policy",
	"model_group_retry_policy", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks",
	"max_fallbacks", "cache_responses", "caching_groups", "client_ttl", "default_litellm_params", "set_verbose", "debug_level",
	"default_priority", "polling_interval", "enable_tag_filtering", "tag_filtering_match_any", "routing_groups",
	"provider_budget_config", "alerting_config", "router_general_settings", "ignore_invalid_deployments",
	"enable_health_check_routing", "model_group_affinity_config", "enable_weighted_failover", "assistants_config",
	"search_tools", "guardrail_list", "deployment_affinity_ttl_seconds",
}

// ignored is a key that changes LiteLLM's routing and not plimsoll's.
type ignored struct{ key, why string }

var routerIgnored = []ignored{
	{"routing_groups", "strategies for single groups are not read; one strategy holds for all"},
	{"enable_tag_filtering", "plimsoll gives a request deployments that have all of its tags; LiteLLM, unless told otherwise, those that have any, and knows a tag named default"},
	{"provider_budget_config", "budgets in money are not enforced"},
}

var generalIgnored = []ignored{
	{"key_management_system", "secrets of a key manager are not read; generated ids that are made of them differ from LiteLLM's"},
	{"coordination_redis", "is not read; name the server in router_settings"},
}

var infoIgnored = []ignored{
	{"team_id", "LiteLLM keeps this deployment for a team; here it serves its whole group"},
	{"supported_environments", "is not looked at; the deployment is used everywhere"},
	{"access_windows", "is not looked at; the deployment is used at all times"},
}
