package config

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// requestParams are the keys of litellm_params that LiteLLM puts into the body of a
// request whose client does not.
var requestParams = []string{
	"temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "seed", "stop", "presence_penalty",
	"frequency_penalty", "response_format", "thinking", "dimensions", "user", "service_tier", "parallel_tool_calls",
}

// reasoningModels begin the names of OpenAI's models that take max_completion_tokens
// and refuse max_tokens.
var reasoningModels = []string{"o1", "o3", "o4", "gpt-5", "codex"}

// defaults gives an endpoint what litellm_params, or default_litellm_params, add to
// requests.
func (r *liteLLM) defaults(e *entry, p provided, ep *Endpoint) {
	for _, params := range []section{e.params, r.everyone} {
		if params.table == nil {
			continue
		}
		for _, key := range requestParams {
			r.member(ep, key, params.table.get(key))
		}
		if extra := r.mapping(params, "extra_body"); extra != nil {
			for _, pair := range extra.pairs {
				if pair.key.kind == text {
					r.member(ep, pair.key.text, pair.value)
				}
			}
		}
		for _, key := range []string{"extra_headers", "headers"} {
			if list := r.mapping(params, key); list != nil {
				r.headers(ep, params, key, list)
			}
		}
	}
	org := e.params.table.get("organization")
	if e.organization != nil {
		org = e.organization
	}
	if !org.absent() && org.kind == text && ep.API == apiOpenAI {
		ep.setHeader("Openai-Organization", org.text)
	}
	if most, ok := ep.Defaults["max_tokens"]; ok && (ep.API == apiOpenAI || ep.API == apiAzure) && begins(baseModel(cmp.Or(e.base, p.model)), reasoningModels) {
		delete(ep.Defaults, "max_tokens")
		if _, both := ep.Defaults["max_completion_tokens"]; !both {
			ep.Defaults["max_completion_tokens"] = most
		}
	}
}

// mapping returns the mapping that a key holds; nil for none, and for something else, which
// is warned of once.
func (r *liteLLM) mapping(s section, key string) *value {
	v := s.table.get(key)
	switch {
	case v.absent():
		return nil
	case v.kind == table:
		return v
	case !v.off() && !r.passed[v]:
		r.passed[v] = true
		s.warnf(v.line, s.path+key, "is %s; want a mapping; it is passed over", v.kind)
	}
	return nil
}

// defaultMaxOutput returns the most output that litellm_params allow; 0 = they do not
// say.
func (r *liteLLM) defaultMaxOutput(e *entry) int64 {
	for _, params := range []section{e.params, r.everyone} {
		if params.table == nil {
			continue
		}
		for _, key := range []string{"max_completion_tokens", "max_tokens"} {
			if n, ok := e.params.numeric(orNothing(params.table.get(key))).whole(); ok && n > 0 {
				return min(n, engine.MaxCount)
			}
		}
	}
	return 0
}

func orNothing(v *value) *value {
	if v == nil {
		return &value{}
	}
	return v
}

// neverDefault are members of a body that belong to the client.
var neverDefault = []string{"model", "messages", "input", "prompt", "stream", "stream_options"}

// member sets a default of the body, unless it is set.
func (s section) member(ep *Endpoint, name string, v *value) {
	if v.absent() || v.unset || slices.Contains(neverDefault, name) {
		return
	}
	if _, ok := ep.Defaults[name]; ok {
		return
	}
	text, ok := v.json()
	if !ok {
		return
	}
	if ep.Defaults == nil {
		ep.Defaults = map[string]Secret{}
	}
	ep.Defaults[name] = Secret(text)
}

// headers sets headers that can be sent. Credentials and those of a connection cannot,
// which a note says.
func (r *liteLLM) headers(ep *Endpoint, params section, key string, list *value) {
	for _, pair := range list.pairs {
		name := pair.key.text
		v := pair.value
		sendable := pair.key.kind == text && isHeaderName(name) && !slices.Contains(neverHeaders, http.CanonicalHeaderKey(name))
		if !sendable || v.absent() || v.unset || v.kind == list.kind || strings.ContainsFunc(v.text, isControl) {
			r.notef(pair.key.line, params.path+key, "the header %s cannot be sent by serve: a credential belongs into api_key", showName(name))
			continue
		}
		ep.setHeader(name, v.text)
	}
}

func (ep *Endpoint) setHeader(name, text string) {
	if ep.Headers == nil {
		ep.Headers = map[string]Secret{}
	}
	if name = http.CanonicalHeaderKey(name); ep.Headers[name] == "" {
		ep.Headers[name] = Secret(text)
	}
}

// neverHeaders are headers that package transport sets itself, or never sends.
var neverHeaders = []string{
	"Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Expect", "Host", "Content-Length", "Content-Encoding", "Accept-Encoding",
}

func isHeaderName(s string) bool {
	return s != "" && !strings.HasPrefix(http.CanonicalHeaderKey(s), "X-Plimsoll-") && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// json returns the value as JSON; false for what JSON has no text for.
func (v *value) json() (string, bool) {
	switch v.kind {
	case null:
		return "null", true
	case boolean:
		return strings.ToLower(v.text), true
	case integer:
		return v.text, json.Valid([]byte(v.text))
	case float:
		f := v.number()
		return strconv.FormatFloat(f, 'g', -1, 64), !math.IsNaN(f) && !math.IsInf(f, 0)
	case text, date:
		quoted, err := json.Marshal(v.text)
		return string(quoted), err == nil
	case list, table:
	}
	var parts []string
	for _, item := range v.items {
		part, ok := item.json()
		if !ok {
			return "", false
		}
		parts = append(parts, part)
	}
	if v.kind == list {
		return "[" + strings.Join(parts, ",") + "]", true
	}
	for _, p := range v.pairs {
		key, err := json.Marshal(p.key.text)
		part, ok := p.value.json()
		if err != nil || !ok {
			return "", false
		}
		parts = append(parts, string(key)+":"+part)
	}
	return "{" + strings.Join(parts, ",") + "}", true
}
