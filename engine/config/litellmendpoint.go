package config

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// azureDefaultVersion is the api-version that LiteLLM sends to Azure where neither
// the file nor AZURE_API_VERSION names one, as of early 2026
// (AZURE_DEFAULT_API_VERSION in its sources).
const azureDefaultVersion = "2025-02-01-preview"

// otherAPIs are names that LiteLLM calls by APIs which package transport does not
// support, though it supports another API of the same provider.
var otherAPIs = []string{"azure_ai", "azure_text", "text-completion-openai", "anthropic_text", "codestral", "text-completion-codestral"}

// routes stand in LiteLLM between a provider's name and a model's and choose what
// LiteLLM does with a request; they are no part of the model's name.
var routes = []string{"o_series/", "gpt5_series/", "responses/"}

// openAIModels and anthropicModels begin the names of models that LiteLLM takes
// for theirs without a provider's name.
var (
	openAIModels    = []string{"gpt-3.5", "gpt-4", "gpt-5", "chatgpt-", "o1", "o3", "o4-mini", "ft:gpt-", "text-embedding-3-", "text-embedding-ada-002"}
	anthropicModels = []string{"claude-"}
)

// provided is who provides a deployment of a LiteLLM file.
type provided struct {
	name  string   // as LiteLLM says it; "" = it does not
	model string   // the provider's name of the model
	base  *value   // its address; absent = the provider's own
	url   *url.URL // base, read; nil = absent, or none that can be used
	wrong string   // why base cannot be used
	own   bool     // the address is the provider's own, or its variable's: its key is meant for it
	env   string   // the variable that the address comes from
	*vendor
}

// provided finds out who provides an entry: custom_llm_provider, the name in front
// of the model, the address, or the model where it has one maker alone.
func (r *liteLLM) provided(e *entry) provided {
	p := provided{model: e.Model, base: e.params.table.get("api_base")}
	if p.base.blank() {
		p.base = e.params.table.get("base_url")
	}
	if p.base.blank() {
		p.base = nil
	}
	if !p.base.absent() {
		p.env = p.base.env
		p.url, p.wrong = parseBase(p.base.text)
		if p.base.kind != text {
			p.url, p.wrong = nil, "is no text"
		}
	}
	before, after, cut := strings.Cut(e.Model, "/")
	custom := e.params.table.get("custom_llm_provider")
	switch {
	case !custom.absent() && custom.kind == text && custom.text != "":
		p.name = custom.text
		if cut && before == p.name {
			p.model = after
		}
	case cut && nameKnown(before):
		p.name, p.model = before, after
	case p.url != nil && vendorAt(p.url) != nil:
		p.name = vendorAt(p.url).name
	case begins(e.Model, openAIModels):
		p.name = "openai"
	case begins(e.Model, anthropicModels):
		p.name = "anthropic"
	}
	p.vendor = vendorNamed(p.name)
	if p.vendor != nil && p.base.absent() {
		r.baseFromEnv(&p)
	} else if p.vendor != nil && p.url != nil {
		p.own = p.owns(p.url)
	}
	for _, route := range routes {
		p.model = strings.TrimPrefix(p.model, route)
	}
	return p
}

// nameKnown reports whether LiteLLM knows a provider of that name, as far as matters.
func nameKnown(name string) bool {
	_, known := provider.Canonical(name)
	return known || vendorNamed(name) != nil || slices.Contains(otherAPIs, name)
}

func begins(s string, with []string) bool {
	return slices.ContainsFunc(with, func(start string) bool { return strings.HasPrefix(s, start) })
}

// baseFromEnv gives an entry without an address the one that LiteLLM would take.
func (r *liteLLM) baseFromEnv(p *provided) {
	p.own = true
	for _, name := range p.bases {
		if env, _ := r.options.LookupEnv(name); env != "" {
			r.secrets.addEnv(env, name)
			r.secrets.addURL(env)
			p.url, p.wrong = parseBase(env)
			p.env = name
			return
		}
	}
	if p.vendor.url != "" {
		p.url, _ = parseBase(p.vendor.url)
	}
}

// preset names the provider as package provider does; "" if it is not known. Under
// the names openai and anthropic LiteLLM calls every provider that has their API, so only
// their own addresses are theirs.
func (p *provided) preset() string {
	name, _ := provider.Canonical(p.name)
	if p.name == apiOpenAI || p.name == apiAnthropic {
		name = ""
		if p.url != nil {
			name = vendorAt(p.url).preset()
		}
	}
	return name
}

// endpoint returns the endpoint of an entry; nil, and a note, if package transport
// cannot call it.
func (r *liteLLM) endpoint(e *entry, p provided) *Endpoint {
	params := e.params
	without := func(why string) *Endpoint {
		r.unserved(e, why)
		return nil
	}
	get := func(key string) *value { return params.table.get(key) }
	switch {
	case p.name == "":
		return without("who provides the model is not known: " + r.inFront(e.Model))
	case p.vendor == nil || slices.Contains(otherAPIs, p.name), p.api == apiAzure && begins(p.model, anthropicModels):
		return without("the API by which LiteLLM calls " + r.secrets.quote(p.name) + " is not supported")
	case p.base != nil && p.base.unset:
		return without("the environment variable " + showName(p.base.env) + " with its api_base is not set")
	case e.params.table.get("model").unset:
		return without("the environment variable with its model is not set")
	case p.wrong != "":
		return without("the api_base " + p.wrong)
	case p.url == nil:
		return without("there is no api_base, and " + p.name + " has none of its own")
	case p.model == "" || strings.ContainsFunc(p.model, isControl):
		return without("the model has no name that can be sent: it is empty, or holds the end of a line or another control character")
	case strings.Contains(p.model, "*") && !strings.Contains(e.Group, "*"):
		return without("the model is a pattern, and the group's name is none")
	case !get("litellm_credential_name").absent():
		return without("its key is one of credential_list, which is not read")
	}
	if v := get("api_base"); v != nil && v.env != "" && !v.unset && v.blank() && p.base == nil {
		r.notef(v.line, params.path+"api_base", "the environment variable %s is empty: the provider's own address is used, as in LiteLLM", showName(v.env))
	}
	ep := &Endpoint{Provider: p.preset(), API: p.api, BaseURL: baseOf(p.api, *p.url), Model: p.model, NoStreamUsage: p.noStreamUsage, Timeouts: r.timeouts(e)}
	if info, ok := e.section.within("model_info"); ok {
		// A file that LiteLLM takes may hold anything here; what cannot be used is not known.
		if v := info.table.get("max_input_tokens"); !v.absent() {
			n, ok := info.numeric(v).whole()
			if !ok || n < 0 {
				info.warnf(v.line, info.path+"max_input_tokens", "%s; want a whole number of tokens; it is passed over", info.found(v))
			}
			ep.MaxInputTokens = max(n, 0)
		}
		if v := info.table.get("base_model"); !v.absent() && v.kind == text {
			ep.BaseModel = v.text
		}
	}
	if p.below != "" && !strings.HasSuffix(ep.BaseURL, p.below) {
		ep.BaseURL += p.below
	}
	if p.env != "" {
		r.secrets.addEnv(ep.BaseURL, p.env) // it is not written as the variable is
	}
	if p.api == apiAzure {
		ep.APIVersion = r.azureVersion(params)
	}
	switch key, token := get("api_key"), get("azure_ad_token"); {
	case !key.absent() && key.text != "" || key != nil && key.env != "":
		ep.Credential = r.credential(params, "api_key")
	case p.api == apiAzure && !token.absent() && strings.HasPrefix(token.text, "oidc/"):
		return without("its token is fetched by OIDC")
	case p.api == apiAzure && !token.absent():
		ep.Credential, ep.Bearer = r.credential(params, "azure_ad_token"), true
	case p.api == apiAzure && !(get("client_secret").absent() && get("azure_username").absent()):
		return without("its token is fetched from Entra ID")
	case p.own && p.key != "":
		ep.Credential = r.keyFrom(p.key, e.section.table.line)
	}
	return ep
}

// inFront returns why the text before a model's name is no provider.
func (r *liteLLM) inFront(model string) string {
	before, _, cut := strings.Cut(model, "/")
	switch {
	case !cut || strings.Contains(before, "*"):
		return "it names no provider in front of it"
	case before == "auto_router":
		return "auto_router chooses a model by the prompt, which is not done here"
	default:
		return "no provider is known by the name " + r.secrets.quote(before)
	}
}

// credential returns what a key holds or names. LiteLLM's files may hold anything,
// so what cannot be a key is none.
func (r *liteLLM) credential(params section, key string) Credential {
	switch v := params.table.get(key); {
	case v.env != "":
		return r.keyFrom(v.env, v.line)
	case v.kind != text && v.kind != integer, strings.ContainsFunc(strings.TrimSpace(v.text), isControl):
		r.warnf(v.line, params.path+key, "is %s that no header can carry; calls are made without it", v.kind)
		return Credential{}
	default:
		literal := strings.TrimSpace(v.text)
		return Credential{literal: &literal}
	}
}

// azureVersion returns the api_version; "" where it stands for the v1 API.
func (r *liteLLM) azureVersion(params section) string {
	version := ""
	if v := params.table.get("api_version"); !v.absent() {
		version = v.text
	} else if env, _ := r.options.LookupEnv("AZURE_API_VERSION"); env != "" {
		r.secrets.addEnv(env, "AZURE_API_VERSION")
		version = env
	}
	if version == "" {
		return azureDefaultVersion
	}
	switch version {
	case "v1", "latest", "preview":
		return ""
	}
	return version
}

// baseOf cuts from an address what package transport adds to it.
func baseOf(api string, u url.URL) string {
	cut := func(end string) { u.Path = strings.TrimSuffix(u.Path, end) }
	switch api {
	case apiAzure:
		if i := strings.Index(u.Path+"/", "/openai/"); i >= 0 {
			u.Path = u.Path[:i]
		}
	case apiAnthropic:
		cut("/messages")
	default:
		cut("/chat/completions")
	}
	u.RawPath = ""
	return strings.TrimSuffix(u.String(), "/")
}

// unserved remembers why an entry has no endpoint.
func (r *liteLLM) unserved(e *entry, why string) {
	m := r.reasons[why]
	if m == nil {
		m = &mention{line: cmp.Or(e.params.table.line, e.section.table.line)}
		r.reasons[why] = m
		r.whys = append(r.whys, why)
	}
	m.times++
}

// reportUnserved reports which entries have no endpoint, reason by reason.
func (r *liteLLM) reportUnserved() {
	for _, why := range r.whys {
		m := r.reasons[why]
		n := "1 deployment has"
		if m.times > 1 {
			n = strconv.Itoa(m.times) + " deployments have"
		}
		r.notef(m.line, "", "%s no endpoint: %s", n, why)
	}
}
