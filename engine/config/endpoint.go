package config

import (
	"cmp"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Endpoint is the address of a deployment's API, with the parameters of its calls: the fields of
// package transport's Endpoint as plain data.
type Endpoint struct {
	// Provider is the name of the provider, one of [provider.Names], by whose rules headers
	// and refusals are read. "" = the API's owner.
	Provider string
	// API is the shape of its API: openai, azure or anthropic. Never empty.
	API string
	// BaseURL is where the API begins: an http or https address with neither
	// credentials nor a query. Never empty.
	BaseURL string
	// Model is the provider's name of the model, on Azure the deployment's name;
	// "" = the name by which the client has named the group.
	Model string
	// APIVersion is Azure's api-version; "" = Azure's v1 API, or another API.
	APIVersion string
	// Credential is the key or token; the zero Credential: none is sent.
	Credential Credential
	// Bearer sends the credential as "Authorization: Bearer" whatever the API.
	Bearer bool
	// NoStreamUsage says that streams cannot be asked for usage.
	NoStreamUsage bool
	// Defaults are members of a request's body that are added where the client leaves
	// them out, as JSON, by their names in chats. They may hold what should not be shown.
	Defaults map[string]Secret
	// Headers are added to requests whose client sends none of that name.
	Headers map[string]Secret
	// PassHeaders are names of headers of clients that are sent to this endpoint, beside those
	// that are sent to every endpoint.
	PassHeaders []string
	// Objects says that the endpoint keeps files and batches for clients of the proxy.
	Objects bool
	// Timeouts bound how long the endpoint may be silent.
	Timeouts Timeouts
	// MaxInputTokens is the largest prompt that the model accepts, in tokens; 0 = unknown.
	// BaseModel is the true name of the model if Model is another; "" = unknown.
	MaxInputTokens int64
	BaseModel      string
}

var endpointKeys = []string{
	"url", "api", "model", "api_version", "key", "key_file", "no_key", "bearer", "no_stream_usage", "pass_headers", "objects",
	"connect_timeout", "timeout", "stream_timeout", "idle_timeout", "max_input_tokens", "base_model", "defaults", "headers",
}

// readEndpoint reads the section endpoint of a deployment in the own format; nil
// if there is none. name is the deployment's provider, "" if it has none that is
// known, and model its model without the provider's name.
func readEndpoint(d section, name, model string) *Endpoint {
	s, ok := d.within("endpoint")
	if !ok {
		return nil
	}
	s.unknown(endpointKeys...)
	v := vendorNamed(name)
	if v == nil {
		v = &vendor{}
	}
	ep := &Endpoint{Provider: name, API: v.api, Model: model, NoStreamUsage: v.noStreamUsage}
	if api := s.oneOf("api", apis); api != "" {
		ep.API = api
	} else if ep.API == "" && s.table.get("api").absent() {
		s.missing("api", listed(apis)+", since the deployment has no provider that says which")
	}
	base := s.address(v)
	if base != nil {
		ep.BaseURL = baseOf(ep.API, *base)
	}
	ep.Model = cmp.Or(s.plainText("model", "the provider's name of the model"), ep.Model)
	ep.APIVersion = s.plainText("api_version", `Azure's version of its API, such as "2024-10-21"`)
	switch at := s.table.get("api_version"); {
	case ep.APIVersion == "":
	case ep.API != apiAzure && ep.API != "":
		s.errorf(at.line, s.path+"api_version", "is only of the API azure, and this is %s; leave it out", ep.API)
	case ep.API == apiAzure && ep.Model == "":
		s.missing("model", "the name of Azure's deployment, which is part of the address with an api_version")
	}
	ep.Bearer = s.flag("bearer")
	ep.Objects = s.flag("objects")
	ep.PassHeaders = s.texts("pass_headers")
	if !s.table.get("no_stream_usage").absent() {
		ep.NoStreamUsage = s.flag("no_stream_usage")
	}
	ep.Timeouts = s.readTimeouts()
	ep.MaxInputTokens = s.whole("max_input_tokens", 1, 1<<42, "a whole number of tokens")
	ep.BaseModel = s.plainText("base_model", "what the model is, such as gpt-4o")
	ep.Credential = s.credential(v, base)
	s.added(ep)
	if m := d.table.get("model"); m != nil && m.unset && s.table.get("model").absent() {
		return nil // reported
	}
	return ep
}

// added reads what the endpoint adds to requests.
func (s section) added(ep *Endpoint) {
	if defaults, ok := s.within("defaults"); ok {
		for _, p := range defaults.table.pairs {
			if name := p.key.text; p.key.kind != text || slices.Contains(neverDefault, name) {
				s.errorf(p.key.line, defaults.path+showName(name), "is a member that belongs to the client; leave it out")
				continue
			}
			if defaults.warnUnset(p) {
				continue
			}
			defaults.member(ep, p.key.text, p.value)
		}
	}
	headers, ok := s.within("headers")
	if !ok {
		return
	}
	for _, p := range headers.table.pairs {
		if p.key.kind != text || !isHeaderName(p.key.text) || slices.Contains(neverHeaders, http.CanonicalHeaderKey(p.key.text)) {
			s.errorf(p.key.line, headers.path+showName(p.key.text), "is no header that can be added; a key belongs into key or key_file")
			continue
		}
		if headers.warnUnset(p) {
			continue
		}
		text := headers.scalarText(p.key.text)
		if strings.ContainsFunc(text, isControl) {
			s.errorf(p.key.line, headers.path+showName(p.key.text), "has a character that no header can carry, such as the end of a line")
			continue
		}
		ep.setHeader(p.key.text, text)
	}
}

// warnUnset warns of a value that is a variable without one, and reports whether it is.
func (s section) warnUnset(p pair) bool {
	if p.value.unset {
		s.warnf(p.value.line, s.path+showName(p.key.text), "the environment variable %s is not set: it is left out until it is", showName(p.value.env))
	}
	return p.value.unset
}

// address returns the endpoint's base URL; nil if there is none, which was
// reported. No message repeats it: it may hold a password.
func (s section) address(v *vendor) *url.URL {
	const want = "an http or https address at which the API begins, such as https://name.openai.azure.com"
	text := v.url
	if at := s.table.get("url"); at.absent() && text == "" {
		s.missing("url", want)
		return nil
	} else if !at.absent() {
		if text = s.text("url", want); text == "" {
			return nil
		}
	}
	u, problem := parseBase(text)
	if problem != "" {
		s.errorf(s.table.get("url").line, s.path+"url", "%s; want %s", problem, want)
		return nil
	}
	if at := s.table.get("url"); !at.absent() && at.env != "" {
		s.secrets.addEnv(u.String(), at.env) // it is not written as the variable is
	}
	return u
}

// parseBase reads a base URL, or says why it is none.
func parseBase(text string) (*url.URL, string) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "is no http or https address with a host"
	case u.User != nil:
		return nil, "holds a user or a password, which belong into key or key_file"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, "has a query or a fragment, and must end with its path"
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	return u, ""
}

// credential returns the endpoint's key: of key or key_file, else where the
// provider's own clients look for it, if the address is the provider's own.
func (s section) credential(v *vendor, base *url.URL) Credential {
	key, file := s.table.get("key"), s.table.get("key_file")
	switch {
	case s.flag("no_key"):
		if !key.absent() || !file.absent() {
			s.errorf(s.table.get("no_key").line, s.path+"no_key", "stands beside a key; keep one of them")
		}
	case !key.absent() && !file.absent():
		s.errorf(file.line, s.path+"key_file", "stands beside key; keep one of them")
	case !key.absent():
		return s.keyOf("key")
	case !file.absent():
		path := s.plainText("key_file", "the path of a file with the key in it")
		if path != "" && !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(s.file), path)
		}
		return Credential{file: path}
	case base != nil && v.key != "" && v.owns(base):
		return s.fromEnv(v.key, s.table.line)
	}
	return Credential{}
}

// keyOf returns the credential that a key holds or names. What is wrong with it is
// said without its value.
func (s section) keyOf(key string) Credential {
	v := s.table.get(key)
	switch {
	case v.composed:
		s.errorf(v.line, s.path+key, "has more than a variable; want ${NAME} alone")
		return Credential{}
	case v.env != "":
		return s.fromEnv(v.env, v.line)
	case v.kind == text && v.text == "":
		s.errorf(v.line, s.path+key, "is empty; leave it out if no key is needed")
		return Credential{}
	}
	literal := s.scalarText(key)
	if strings.ContainsFunc(literal, isControl) {
		s.errorf(v.line, s.path+key, "has a character that no header can carry, such as the end of a line")
		return Credential{}
	}
	if literal == "" {
		return Credential{}
	}
	return Credential{literal: &literal}
}

// fromEnv returns a credential of the environment, and remembers one that is not
// there yet.
func (s section) fromEnv(name string, line int) Credential {
	s.keys.use(name, line)
	return Credential{env: name}
}

// plainText returns a text without control characters; "" if there is none.
func (s section) plainText(key, want string) string {
	t := s.text(key, want)
	if strings.ContainsFunc(t, isControl) {
		s.wrong(key, s.table.get(key), want+", without control characters")
		return ""
	}
	return t
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// otherProvider is the provider of a deployment whose own is not known here, whatever
// its model begins with.
const otherProvider = "other"

// providerOf returns who provides a deployment of the own format, "" if that is
// not known: its provider, else the name in front of its model; and its model
// without that name.
func providerOf(d section, model string) (name, rest string) {
	before, after, cut := strings.Cut(model, "/")
	prefix, known := provider.Canonical(before)
	known = known && cut
	given := d.text("provider", "the name of a provider")
	if given == otherProvider {
		return "", model
	}
	if given == "" {
		if known {
			return prefix, after
		}
		return "", model
	}
	name, ok := provider.Canonical(given)
	if !ok {
		d.wrong("provider", d.table.get("provider"), listed(append(provider.Names(), otherProvider))+" for any other")
	}
	if known && prefix == name {
		return name, after
	}
	return name, model
}
