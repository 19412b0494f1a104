package config

import (
	"slices"
	"strings"
)

// whereabouts is where a setting of LiteLLM stands.
type whereabouts string

// The places of settings.
const (
	inFile    whereabouts = "file"
	inEntry   whereabouts = "model_list[]"
	inParams  whereabouts = "litellm_params"
	inInfo    whereabouts = "model_info"
	inRouter  whereabouts = "router_settings"
	inLiteLLM whereabouts = "litellm_settings"
	inGeneral whereabouts = "general_settings"
)

// becomes is what becomes of a setting.
type becomes string

// What becomes of settings.
const (
	asIs    becomes = "read"     // it means here what it means there
	partly  becomes = "partly"   // it means something else here, which the table says
	notDone becomes = "not done" // LiteLLM acts on it and serve does not: check lists it
	unused  becomes = "unused"   // it changes no call: logs, pages, accounts of LiteLLM's own
)

// setting is a key that LiteLLM knows. The table of docs/LITELLM.md is made of
// them, and a test compares.
type setting struct {
	where   whereabouts
	key     string
	becomes becomes
	how     string // what it becomes; of notDone: what LiteLLM does and serve does not
}

// settings are the keys that LiteLLM documents and that people's files have.
var settings = []setting{
	{inFile, "model_list", asIs, "deployments"},
	{inFile, "router_settings", asIs, "see below"},
	{inFile, "litellm_settings", asIs, "see below"},
	{inFile, "general_settings", asIs, "see below"},
	{inFile, "environment_variables", asIs, "values of `os.environ/NAME` and of keys; those of the process's environment stand back, as in LiteLLM"},
	{inFile, "include", asIs, "deployments of other files; relative paths only"},
	{inFile, "credential_list", notDone, "keys by name for `litellm_credential_name`: such deployments have no endpoint"},
	{inFile, "guardrails", notDone, "checks of requests and answers"},
	{inFile, "callback_settings", unused, "settings of callbacks"},
	{inFile, "mcp_servers", notDone, "tools of MCP servers"},
	{inFile, "mcp_aliases", unused, "names of MCP servers"},
	{inFile, "finetune_settings", notDone, "the fine-tuning API"},
	{inFile, "files_settings", notDone, "credentials of the files API"},
	{inFile, "vector_store_registry", notDone, "vector stores"},
	{inFile, "search_tools", notDone, "search tools"},
	{inFile, "prompts", notDone, "prompts by name"},
	{inFile, "policies", notDone, "policies"},
	{inFile, "agents", notDone, "agents"},
	{inFile, "assistant_settings", notDone, "the assistants API"},
	{inFile, "default_vertex_config", notDone, "credentials of Vertex AI"},

	{inEntry, "model_name", asIs, "group; a name with `*` is a pattern"},
	{inEntry, "litellm_params", asIs, "see below"},
	{inEntry, "model_info", asIs, "see below"},
	{inEntry, "rpm", asIs, "limit on requests per minute"},
	{inEntry, "tpm", asIs, "limit on tokens per minute"},
	{inEntry, "itpm", asIs, "limit on input tokens per minute"},
	{inEntry, "otpm", asIs, "limit on output tokens per minute"},
	{inEntry, "num_retries", unused, "LiteLLM reads that of `litellm_params`"},

	{inParams, "model", asIs, "model, and the provider before the first `/`"},
	{inParams, "custom_llm_provider", asIs, "provider"},
	{inParams, "api_base", asIs, "address of the endpoint"},
	{inParams, "base_url", asIs, "address of the endpoint, where there is no `api_base`"},
	{inParams, "api_key", asIs, "key of the endpoint"},
	{inParams, "api_version", asIs, "Azure's version; without one `AZURE_API_VERSION`, else `" + azureDefaultVersion + "`, LiteLLM's default in early 2026"},
	{inParams, "azure_ad_token", asIs, "key of the endpoint, sent as a bearer token"},
	{inParams, "rpm", asIs, "limit, where the entry has none"},
	{inParams, "tpm", asIs, "limit, where the entry has none"},
	{inParams, "itpm", asIs, "limit, where the entry has none"},
	{inParams, "otpm", asIs, "limit, where the entry has none"},
	{inParams, "max_parallel_requests", asIs, "limit on requests in flight, on each node"},
	{inParams, "order", asIs, "order"},
	{inParams, "weight", partly, "weight under `simple-shuffle`; ignored under `usage-based-routing-v2`, as in LiteLLM"},
	{inParams, "tags", asIs, "tags, for `enable_tag_filtering`"},
	{inParams, "tag_regex", notDone, "deployments by the user agent of a request"},
	{inParams, "timeout", asIs, "the longest silence of an answer, in seconds"},
	{inParams, "stream_timeout", asIs, "the same for streams"},
	{inParams, "temperature", asIs, "default of the request"},
	{inParams, "top_p", asIs, "default of the request"},
	{inParams, "max_tokens", asIs, "default of the request; `max_completion_tokens` for OpenAI's reasoning models"},
	{inParams, "max_completion_tokens", asIs, "default of the request"},
	{inParams, "reasoning_effort", asIs, "default of the request"},
	{inParams, "seed", asIs, "default of the request"},
	{inParams, "stop", asIs, "default of the request"},
	{inParams, "presence_penalty", asIs, "default of the request"},
	{inParams, "frequency_penalty", asIs, "default of the request"},
	{inParams, "response_format", asIs, "default of the request"},
	{inParams, "thinking", asIs, "default of the request"},
	{inParams, "dimensions", asIs, "default of the request"},
	{inParams, "user", asIs, "default of the request"},
	{inParams, "service_tier", asIs, "default of the request"},
	{inParams, "parallel_tool_calls", asIs, "default of the request"},
	{inParams, "extra_body", asIs, "its members are defaults of the request"},
	{inParams, "extra_headers", asIs, "headers of the request, where the client sends none of that name"},
	{inParams, "organization", asIs, "header `OpenAI-Organization`; of a list each is a deployment of its own"},
	{inParams, "num_retries", notDone, "its own number of retries: here up to 3 deployments are tried"},
	{inParams, "max_retries", notDone, "its own number of retries: here up to 3 deployments are tried"},
	{inParams, "cooldown_time", asIs, "how long this deployment cools down where its provider does not say, in seconds"},
	{inParams, "drop_params", notDone, "leaving out what a provider does not take: bodies are sent as they are"},
	{inParams, "additional_drop_params", notDone, "leaving out members of the body"},
	{inParams, "allowed_openai_params", notDone, "letting members of the body through"},
	{inParams, "mock_response", notDone, "an answer without a call"},
	{inParams, "merge_reasoning_content_in_choices", notDone, "moving reasoning into the answer's text"},
	{inParams, "litellm_credential_name", notDone, "a key of `credential_list`: such deployments have no endpoint"},
	{inParams, "max_budget", notDone, "budgets in money"},
	{inParams, "budget_duration", notDone, "budgets in money"},
	{inParams, "input_cost_per_token", unused, "costs, which LiteLLM adds up"},
	{inParams, "output_cost_per_token", unused, "costs, which LiteLLM adds up"},
	{inParams, "cache_control_injection_points", notDone, "marking prompts for caches"},
	{inParams, "use_in_pass_through", notDone, "its pass-through endpoints"},

	{inInfo, "id", asIs, "id; without one the id that LiteLLM generates"},
	{inInfo, "rpm", asIs, "limit, where the entry and `litellm_params` have none"},
	{inInfo, "tpm", asIs, "limit, where the entry and `litellm_params` have none"},
	{inInfo, "order", asIs, "order, where `litellm_params` has none"},
	{inInfo, "blocked", asIs, "disabled"},
	{inInfo, "base_model", asIs, "the model whose rule counts with `--profiles auto`"},
	{inInfo, "mode", partly, "`embedding`, `rerank`: a replay sends calls without output"},
	{inInfo, "max_input_tokens", asIs, "longer prompts go to other deployments"},
	{inInfo, "plimsoll_pool", asIs, "plimsoll's own: deployments with the same pool draw on the same limits"},
	{inInfo, "team_id", notDone, "keeping this deployment for a team: here it serves its whole group"},
	{inInfo, "access_groups", notDone, "keys that may call this group only"},
	{inInfo, "supported_environments", notDone, "using this deployment in some environments only"},
	{inInfo, "access_windows", notDone, "using this deployment at some times only"},

	{inRouter, "routing_strategy", partly, "`usage-based-routing-v2`: `lowest-tpm`; `simple-shuffle` or none: `weighted`; `least-busy`: `least-busy`, by this node's requests; others: `least-utilized`, with a warning"},
	{inRouter, "routing_strategy_args", partly, "`ttl`: how long keys of the store live, in seconds"},
	{inRouter, "model_group_alias", asIs, "aliases, `hidden` ones are not listed as models"},
	{inRouter, "default_max_parallel_requests", asIs, "limit on requests in flight of deployments without any limit"},
	{inRouter, "redis_url", asIs, "store"},
	{inRouter, "redis_host", asIs, "store"},
	{inRouter, "redis_port", asIs, "store"},
	{inRouter, "redis_username", asIs, "store"},
	{inRouter, "redis_password", asIs, "store"},
	{inRouter, "redis_db", asIs, "store"},
	{inRouter, "redis_ssl", asIs, "store"},
	{inRouter, "ssl", asIs, "store"},
	{inRouter, "cache_kwargs", partly, "`namespace` of the store"},
	{inRouter, "redis_startup_nodes", asIs, "store"},
	{inRouter, "startup_nodes", asIs, "store"},
	{inRouter, "sentinel_nodes", asIs, "store"},
	{inRouter, "service_name", asIs, "store"},
	{inRouter, "sentinel_password", asIs, "store"},
	{inRouter, "timeout", asIs, "of deployments without one"},
	{inRouter, "stream_timeout", asIs, "of deployments without one"},
	{inRouter, "default_litellm_params", asIs, "defaults of requests, where a deployment has none"},
	{inRouter, "num_retries", asIs, "attempts on other deployments after the first, without waiting; 2 without one"},
	{inRouter, "max_retries", partly, "attempts on other deployments: here up to 3 are tried, without waiting"},
	{inRouter, "retry_after", unused, "the wait before a retry: here other deployments are tried at once"},
	{inRouter, "retry_policy", notDone, "retries by kind of error"},
	{inRouter, "model_group_retry_policy", notDone, "retries by kind of error"},
	{inRouter, "allowed_fails", partly, "failures that begin no cooldown: here those in a row, there those of a minute"},
	{inRouter, "allowed_fails_policy", notDone, "cooldown after so many failures of a kind"},
	{inRouter, "cooldown_time", asIs, "how long a deployment cools down where its provider does not say, in seconds; without one 1 s to 30 s, with each failure longer"},
	{inRouter, "disable_cooldowns", notDone, "no cooldowns"},
	{inRouter, "fallbacks", asIs, "groups that a request goes to when its own has failed or has no headroom; at most 5, each with its own fallbacks behind it"},
	{inRouter, "default_fallbacks", asIs, "fallbacks of groups without any"},
	{inRouter, "context_window_fallbacks", asIs, "groups for prompts that are longer than a group takes; without any `fallbacks`"},
	{inRouter, "content_policy_fallbacks", notDone, "other groups for content that was refused"},
	{inRouter, "max_fallbacks", partly, "how many fallbacks: here always 5, LiteLLM's default"},
	{inRouter, "enable_pre_call_checks", partly, "`max_input_tokens` is looked at in any case"},
	{inRouter, "optional_pre_call_checks", partly, "`responses_api_deployment_check` and `session_affinity`: conversations stay with their deployment in any case; others are not done"},
	{inRouter, "enable_tag_filtering", asIs, "tags of a request choose deployments; those tagged `default` serve requests without any of the group's. Without it tags choose nothing"},
	{inRouter, "tag_filtering_match_any", asIs, "a deployment needs one of the request's tags; `false`: all of them"},
	{inRouter, "tag_routing_prefix", notDone, "a prefix that marks the tags for routing"},
	{inRouter, "routing_groups", notDone, "strategies for single groups: one strategy holds for all"},
	{inRouter, "provider_budget_config", notDone, "budgets in money"},
	{inRouter, "default_priority", notDone, "a queue by priority"},
	{inRouter, "polling_interval", unused, "how often its queue is looked at"},
	{inRouter, "cache_responses", notDone, "answers from a cache"},
	{inRouter, "caching_groups", notDone, "answers from a cache"},
	{inRouter, "client_ttl", unused, "how long its clients live"},
	{inRouter, "set_verbose", unused, "logs"},
	{inRouter, "debug_level", unused, "logs"},
	{inRouter, "alerting_config", unused, "alerts"},
	{inRouter, "router_general_settings", unused, "how it starts"},
	{inRouter, "ignore_invalid_deployments", unused, "how it starts"},
	{inRouter, "enable_health_check_routing", notDone, "leaving out deployments that a health check failed"},
	{inRouter, "model_group_affinity_config", notDone, "affinity by group"},
	{inRouter, "enable_weighted_failover", notDone, "weights among fallbacks"},
	{inRouter, "assistants_config", notDone, "the assistants API"},
	{inRouter, "search_tools", notDone, "search tools"},
	{inRouter, "guardrail_list", notDone, "checks of requests and answers"},
	{inRouter, "deployment_affinity_ttl_seconds", notDone, "how long affinity lasts"},

	{inLiteLLM, "cache", partly, "store, if `router_settings` names none; answers are not cached"},
	{inLiteLLM, "cache_params", asIs, "store"},
	{inLiteLLM, "request_timeout", asIs, "of deployments without a timeout"},
	{inLiteLLM, "drop_params", notDone, "leaving out what a provider does not take: bodies are sent as they are"},
	{inLiteLLM, "modify_params", notDone, "changing requests to what a provider takes"},
	{inLiteLLM, "num_retries", asIs, "the same, where `router_settings` has none"},
	{inLiteLLM, "allowed_fails", partly, "the same, where `router_settings` has none"},
	{inLiteLLM, "cooldown_time", asIs, "the same, where `router_settings` has none"},
	{inLiteLLM, "fallbacks", asIs, "groups that a request goes to when its own has failed or has no headroom; at most 5, each with its own fallbacks behind it"},
	{inLiteLLM, "default_fallbacks", asIs, "fallbacks of groups without any"},
	{inLiteLLM, "context_window_fallbacks", asIs, "groups for prompts that are longer than a group takes; without any `fallbacks`"},
	{inLiteLLM, "content_policy_fallbacks", notDone, "other groups for content that was refused"},
	{inLiteLLM, "callbacks", notDone, "its callbacks: see --otlp and /metrics"},
	{inLiteLLM, "success_callback", notDone, "its callbacks: see --otlp and /metrics"},
	{inLiteLLM, "failure_callback", notDone, "its callbacks: see --otlp and /metrics"},
	{inLiteLLM, "service_callback", unused, "its own services"},
	{inLiteLLM, "max_budget", notDone, "budgets in money"},
	{inLiteLLM, "budget_duration", notDone, "budgets in money"},
	{inLiteLLM, "default_team_settings", notDone, "settings of teams"},
	{inLiteLLM, "force_ipv4", notDone, "calls by IPv4 only"},
	{inLiteLLM, "ssl_verify", notDone, "calls without a check of certificates"},
	{inLiteLLM, "set_verbose", unused, "logs"},
	{inLiteLLM, "json_logs", unused, "logs"},
	{inLiteLLM, "turn_off_message_logging", unused, "logs: plimsoll never logs messages"},
	{inLiteLLM, "redact_user_api_key_info", unused, "logs"},
	{inLiteLLM, "service_callbacks", unused, "its own services"},
	{inLiteLLM, "langfuse_default_tags", unused, "logs"},
	{inLiteLLM, "mcp_aliases", unused, "names of MCP servers"},
	{inLiteLLM, "enable_preview_features", notDone, "features in preview"},
	{inLiteLLM, "enable_json_schema_validation", notDone, "checks of answers against the JSON schema of a request"},
	{inLiteLLM, "key_generation_settings", notDone, "who may make keys: here tokens are in a file"},
	{inLiteLLM, "use_chat_completions_url_for_anthropic_messages", notDone, "translation between APIs"},
	{inLiteLLM, "disable_add_transform_inline_image_block", unused, "a change of bodies for one provider, which is not made here"},
	{inLiteLLM, "disable_end_user_cost_tracking", unused, "costs, which LiteLLM adds up"},
	{inLiteLLM, "disable_end_user_cost_tracking_prometheus_only", unused, "costs, which LiteLLM adds up"},
	{inLiteLLM, "disable_hf_tokenizer_download", unused, "its tokenizers"},
	{inLiteLLM, "enable_key_alias_format_validation", unused, "names of its keys"},
	{inLiteLLM, "disable_copilot_system_to_assistant", unused, "without effect in LiteLLM too"},
	{inLiteLLM, "telemetry", unused, "its telemetry"},

	{inGeneral, "master_key", asIs, "a token of the name master_key with all scopes, beside those of `--tokens`; without the key that of `LITELLM_MASTER_KEY`"},
	{inGeneral, "database_url", notDone, "virtual keys, teams and costs in a database: `plimsoll token make` makes a token for each caller"},
	{inGeneral, "key_management_system", notDone, "secrets of a key manager; generated ids that are made of them differ from LiteLLM's"},
	{inGeneral, "coordination_redis", notDone, "a server for its counters: name it in router_settings"},
	{inGeneral, "max_parallel_requests", notDone, "a limit on requests in flight of each deployment or key"},
	{inGeneral, "global_max_parallel_requests", notDone, "a limit on requests in flight of all"},
	{inGeneral, "pass_through_endpoints", notDone, "its pass-through endpoints"},
	{inGeneral, "custom_auth", notDone, "authentication by code"},
	{inGeneral, "enable_jwt_auth", notDone, "authentication by JWT"},
	{inGeneral, "alerting", unused, "alerts"},
	{inGeneral, "background_health_checks", unused, "its health checks"},
	{inGeneral, "health_check_interval", unused, "its health checks"},
	{inGeneral, "store_model_in_db", notDone, "deployments in a database"},
	{inGeneral, "allowed_ips", notDone, "refusing other addresses"},
	{inGeneral, "allowed_routes", notDone, "which paths callers may use: here a token has scopes"},
	{inGeneral, "public_routes", notDone, "paths without a key"},
	{inGeneral, "admin_only_routes", notDone, "paths for administrators only: here a token has scopes"},
	{inGeneral, "allow_client_side_credentials", notDone, "keys of providers that a caller sends"},
	{inGeneral, "allow_user_auth", notDone, "keys of users"},
	{inGeneral, "custom_key_generate", notDone, "keys made by code"},
	{inGeneral, "litellm_key_header_name", notDone, "a header of its own for keys: here Authorization, X-Api-Key and Api-Key"},
	{inGeneral, "litellm_jwtauth", notDone, "authentication by JWT"},
	{inGeneral, "enable_oauth2_auth", notDone, "authentication by OAuth"},
	{inGeneral, "enable_oauth2_proxy_auth", notDone, "authentication by OAuth"},
	{inGeneral, "oauth2_config_mappings", notDone, "authentication by OAuth"},
	{inGeneral, "service_account_settings", notDone, "settings of service accounts"},
	{inGeneral, "enforce_user_param", notDone, "refusing calls without `user`"},
	{inGeneral, "enforced_params", notDone, "refusing calls without certain members"},
	{inGeneral, "reject_clientside_metadata_tags", notDone, "refusing the tags of callers: here a token may be bound to tags"},
	{inGeneral, "forward_client_headers_to_llm_api", notDone, "sending all `x-` headers of callers on: here those of `pass_headers`"},
	{inGeneral, "forward_openai_org_id", notDone, "sending the organization of callers on"},
	{inGeneral, "infer_model_from_keys", notDone, "models of the keys in the environment"},
	{inGeneral, "image_generation_model", notDone, "one model for all images"},
	{inGeneral, "embedding_model", notDone, "one model for all embeddings"},
	{inGeneral, "moderation_model", notDone, "one model for all moderations"},
	{inGeneral, "max_request_size_mb", notDone, "the largest body: see `--max-body`"},
	{inGeneral, "max_response_size_mb", notDone, "the largest answer"},
	{inGeneral, "use_x_forwarded_for", notDone, "addresses of callers behind proxies: see `--trusted-proxies`"},
	{inGeneral, "use_client_credentials_pass_through_routes", notDone, "its pass-through endpoints"},
	{inGeneral, "key_management_settings", notDone, "secrets of a key manager"},
	{inGeneral, "use_azure_key_vault", notDone, "secrets of a key manager"},
	{inGeneral, "use_google_kms", notDone, "secrets of a key manager"},
	{inGeneral, "disable_responses_id_security", notDone, "ids of responses that any caller may use: here they are the caller's"},
	{inGeneral, "disable_retry_on_max_parallel_request_limit_error", unused, "retries of its own refusals"},
	{inGeneral, "database_connection_pool_limit", unused, "its database"},
	{inGeneral, "database_connection_timeout", unused, "its database"},
	{inGeneral, "allow_requests_on_db_unavailable", unused, "its database"},
	{inGeneral, "disable_prisma_schema_update", unused, "its database"},
	{inGeneral, "supported_db_objects", unused, "its database"},
	{inGeneral, "proxy_batch_write_at", unused, "its database"},
	{inGeneral, "user_api_key_cache_ttl", unused, "its database"},
	{inGeneral, "disable_spend_logs", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "disable_spend_updates", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "disable_reset_budget", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "store_prompts_in_spend_logs", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "maximum_spend_logs_retention_period", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "maximum_spend_logs_retention_interval", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "proxy_budget_rescheduler_min_time", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "proxy_budget_rescheduler_max_time", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "spend_report_frequency", unused, "costs, which LiteLLM adds up"},
	{inGeneral, "disable_master_key_return", unused, "its pages"},
	{inGeneral, "disable_adding_master_key_hash_to_db", unused, "its pages"},
	{inGeneral, "default_team_disabled", unused, "its pages"},
	{inGeneral, "ui_access_mode", unused, "its pages"},
	{inGeneral, "custom_sso", unused, "its pages"},
	{inGeneral, "user_mcp_management_mode", unused, "its pages"},
	{inGeneral, "litellm_license", unused, "its pages"},
	{inGeneral, "alerting_threshold", unused, "alerts"},
	{inGeneral, "alerting_args", unused, "alerts"},
	{inGeneral, "alert_types", unused, "alerts"},
	{inGeneral, "alert_to_webhook_url", unused, "alerts"},
	{inGeneral, "health_check_details", unused, "its health checks"},
	{inGeneral, "proxy_batch_polling_interval", unused, "how often it looks at batches"},
	{inGeneral, "completion_model", notDone, "one model for all requests"},
}

// keysOf returns the keys of a place.
func keysOf(p whereabouts) []string {
	var keys []string
	for _, s := range settings {
		if s.where == p {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// undone notes what a section has that LiteLLM acts on and serve does not.
func (r *liteLLM) undone(p whereabouts, s section) {
	for _, pair := range s.table.pairs {
		i := slices.IndexFunc(settings, func(w setting) bool { return w.where == p && w.key == pair.key.text && w.becomes == notDone })
		if i < 0 || pair.key.kind != text || pair.value.off() {
			continue
		}
		at := string(p) + "." + pair.key.text
		if p == inFile {
			at = pair.key.text
		}
		m := r.left[i]
		if m == nil {
			m = &mention{line: pair.key.line, at: at}
			r.left[i] = m
			r.leftOrder = append(r.leftOrder, i)
		}
		m.times++
	}
}

// off reports whether a value switches nothing on.
func (v *value) off() bool {
	return v.absent() || v.kind == boolean && v.text == "False" || v.kind == text && v.text == "" || v.kind == list && len(v.items) == 0 || v.kind == table && len(v.pairs) == 0
}

// reportUndone reports what serve does not do, setting by setting.
func (r *liteLLM) reportUndone() {
	for _, i := range r.leftOrder {
		m := r.left[i]
		more := ""
		if m.times > 1 {
			more = ", " + times(m.times)
		}
		r.undonef(m.line, m.at, "%s%s", strings.ReplaceAll(settings[i].how, "`", ""), more)
	}
}
