package transport

import (
	"context"
	"net/http"
	"strings"
)

// sentNames are the headers of a client that every endpoint receives. All others stay
// behind: a header can steer a gateway in front of a provider, name an account or
// carry a credential. [Endpoint.PassHeaders] adds to them.
//
// Sources: https://platform.openai.com/docs/api-reference/introduction,
// https://platform.claude.com/docs/en/api/overview, https://openrouter.ai/docs/api-reference/overview
// (HTTP-Referer, X-Title), https://docs.x.ai/docs/guides/prompt-caching (X-Grok-Conv-Id) and what
// the Codex and Claude command lines send.
var sentNames = map[string]bool{
	"Accept": true, "Accept-Language": true, "Content-Type": true, "Content-Language": true, "User-Agent": true,
	"Anthropic-Beta": true, "Anthropic-Version": true, "Anthropic-Dangerous-Direct-Browser-Access": true,
	"Openai-Beta": true, "Idempotency-Key": true,
	"X-Request-Id": true, "X-Client-Request-Id": true, "X-Ms-Client-Request-Id": true, "X-Ms-Useragent": true,
	"Traceparent": true, "Tracestate": true,
	"Originator": true, "Session_id": true, "Session-Id": true, "Conversation_id": true, "Version": true,
	"X-App": true, "X-Claude-Code-Session-Id": true, "X-Grok-Conv-Id": true,
	"Http-Referer": true, "X-Title": true,
}

// sent reports whether a header of a client is sent to every endpoint.
func sent(name string) bool { return sentNames[name] || strings.HasPrefix(name, "X-Stainless-") }

// never reports whether a header of a client travels nowhere, whatever an endpoint
// asks for: it is a credential or describes the client's own connection.
func never(name string) bool {
	switch name {
	case "Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie",
		"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Host",
		"Content-Length", "Content-Encoding",
		"Accept-Encoding": // the usage must be readable; net/http asks for gzip and undoes it
		return true
	}
	return strings.HasPrefix(name, "X-Plimsoll-")
}

// header returns the allowed part of a client's header, with the endpoint's
// credential, which it returns too. The header shares the client's values.
func (p *place) header(ctx context.Context, client http.Header) (h http.Header, key string, err error) {
	h = make(http.Header, len(client)+2)
	for name, values := range client {
		if canonical := http.CanonicalHeaderKey(name); sent(canonical) || p.passed[canonical] {
			h[canonical] = values
		}
	}
	for _, list := range client["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	if p.API == Anthropic && h.Get("Anthropic-Version") == "" {
		h.Set("Anthropic-Version", "2023-06-01")
	}
	key, err = p.Credential.get(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case key == "":
	case p.API == OpenAI || p.Bearer:
		h.Set("Authorization", "Bearer "+key)
	case p.API == Azure:
		h.Set("Api-Key", key)
	case p.API == Anthropic:
		h.Set("X-Api-Key", key)
	}
	return h, key, nil
}
