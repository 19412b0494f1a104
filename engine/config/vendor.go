package config

import (
	"net/url"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// The APIs that an endpoint may have.
const (
	apiOpenAI    = "openai"
	apiAzure     = "azure"
	apiAnthropic = "anthropic"
)

var apis = []string{apiOpenAI, apiAzure, apiAnthropic}

// vendor is what is known about calling a provider.
type vendor struct {
	name  string   // as [provider.Names] has it; else as LiteLLM puts it before a model
	names []string // others that LiteLLM uses
	api   string
	url   string   // where its API begins; "" = each customer's is another
	key   string   // the variable that its own clients read its key from
	bases []string // those that LiteLLM reads its address from
	hosts []string // its own, and what theirs end with if it begins with a dot
	// noStreamUsage: it refuses stream_options.
	noStreamUsage bool
	// compatible says that url is not the API that LiteLLM calls under this name.
	compatible bool
	below      string // what an api_base lacks, as LiteLLM calls another API there
}

// vendors are those whose endpoints are known. Addresses are those of their pages
// on compatibility with OpenAI's API, and of LiteLLM's sources.
var vendors = []vendor{
	{name: "openai", api: apiOpenAI, url: "https://api.openai.com/v1", key: "OPENAI_API_KEY", bases: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"}, hosts: []string{"api.openai.com", ".api.openai.com"}},
	{name: "azure", api: apiAzure, key: "AZURE_API_KEY", bases: []string{"AZURE_API_BASE"}, hosts: []string{".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"}},
	{name: "anthropic", api: apiAnthropic, url: "https://api.anthropic.com", key: "ANTHROPIC_API_KEY", bases: []string{"ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"}, hosts: []string{"api.anthropic.com"}},
	{name: "groq", api: apiOpenAI, url: "https://api.groq.com/openai/v1", key: "GROQ_API_KEY", bases: []string{"GROQ_API_BASE"}, hosts: []string{"api.groq.com"}},
	// https://github.com/BerriAI/litellm/issues/8978: include_usage is refused, and
	// usage comes without being asked for.
	{name: "mistral", api: apiOpenAI, url: "https://api.mistral.ai/v1", key: "MISTRAL_API_KEY", bases: []string{"MISTRAL_API_BASE"}, hosts: []string{"api.mistral.ai"}, noStreamUsage: true},
	{name: "cerebras", api: apiOpenAI, url: "https://api.cerebras.ai/v1", key: "CEREBRAS_API_KEY", bases: []string{"CEREBRAS_API_BASE"}, hosts: []string{"api.cerebras.ai"}},
	// https://docs.cohere.com/docs/compatibility-api; it refuses stream_options.
	{name: "cohere", api: apiOpenAI, url: "https://api.cohere.ai/compatibility/v1", key: "COHERE_API_KEY", hosts: []string{"api.cohere.ai", "api.cohere.com"}, noStreamUsage: true, compatible: true},
	// https://ai.google.dev/gemini-api/docs/openai
	{name: "gemini", api: apiOpenAI, url: "https://generativelanguage.googleapis.com/v1beta/openai", key: "GEMINI_API_KEY", hosts: []string{"generativelanguage.googleapis.com"}, compatible: true},

	// Without a preset: LiteLLM's names.
	{name: "deepseek", api: apiOpenAI, url: "https://api.deepseek.com/v1", key: "DEEPSEEK_API_KEY", bases: []string{"DEEPSEEK_API_BASE"}, hosts: []string{"api.deepseek.com"}},
	{name: "fireworks_ai", api: apiOpenAI, url: "https://api.fireworks.ai/inference/v1", hosts: []string{"api.fireworks.ai"}},
	{name: "nvidia_nim", api: apiOpenAI, url: "https://integrate.api.nvidia.com/v1", key: "NVIDIA_NIM_API_KEY", bases: []string{"NVIDIA_NIM_API_BASE"}, hosts: []string{"integrate.api.nvidia.com"}},
	{name: "openrouter", api: apiOpenAI, url: "https://openrouter.ai/api/v1", key: "OPENROUTER_API_KEY", hosts: []string{"openrouter.ai"}},
	{name: "sambanova", api: apiOpenAI, url: "https://api.sambanova.ai/v1", key: "SAMBANOVA_API_KEY", bases: []string{"SAMBANOVA_API_BASE"}, hosts: []string{"api.sambanova.ai"}},
	{name: "together_ai", api: apiOpenAI, url: "https://api.together.xyz/v1", bases: []string{"TOGETHER_AI_API_BASE"}, hosts: []string{"api.together.xyz"}},
	{name: "xai", api: apiOpenAI, url: "https://api.x.ai/v1", key: "XAI_API_KEY", hosts: []string{"api.x.ai"}},
	// LiteLLM calls these by APIs of their own; here by those compatible with OpenAI's:
	// https://docs.ollama.com/api/openai-compatibility, https://docs.perplexity.ai,
	// https://docs.github.com/github-models, https://huggingface.co/docs/inference-providers
	{name: "ollama", names: []string{"ollama_chat"}, api: apiOpenAI, url: "http://localhost:11434/v1", bases: []string{"OLLAMA_API_BASE"}, below: "/v1"},
	{name: "perplexity", api: apiOpenAI, url: "https://api.perplexity.ai", key: "PERPLEXITYAI_API_KEY", hosts: []string{"api.perplexity.ai"}},
	{name: "github", api: apiOpenAI, url: "https://models.github.ai/inference", key: "GITHUB_API_KEY", hosts: []string{"models.github.ai", "models.inference.ai.azure.com"}},
	{name: "huggingface", api: apiOpenAI, url: "https://router.huggingface.co/v1", key: "HF_TOKEN", hosts: []string{"router.huggingface.co"}},
	{name: "custom_openai", names: []string{"openai_like", "aiohttp_openai", "hosted_vllm", "lm_studio", "llamafile", "litellm_proxy"}, api: apiOpenAI},
}

// vendorNamed returns the vendor of that name, nil if none is known.
func vendorNamed(name string) *vendor {
	name = strings.ToLower(strings.TrimSpace(name))
	find := func(name string) *vendor {
		for i := range vendors {
			if v := &vendors[i]; v.name == name || slices.Contains(v.names, name) {
				return v
			}
		}
		return nil
	}
	if v := find(name); v != nil || name == "" {
		return v
	}
	if canonical, ok := provider.Canonical(name); ok {
		return find(canonical)
	}
	return nil
}

// preset returns the name by which package provider knows the vendor; "" if it
// does not.
func (v *vendor) preset() string {
	if v == nil {
		return ""
	}
	name, _ := provider.Canonical(v.name)
	return name
}

// owns reports whether an address is one of the vendor's own.
func (v *vendor) owns(u *url.URL) bool {
	name := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(v.hosts, func(host string) bool {
		return name == host || strings.HasPrefix(host, ".") && strings.HasSuffix(name, host)
	})
}

// vendorAt returns the vendor whose address this is, nil if none is known.
func vendorAt(u *url.URL) *vendor {
	for i := range vendors {
		if vendors[i].owns(u) {
			return &vendors[i]
		}
	}
	return nil
}
