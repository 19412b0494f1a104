package proxy

import (
	"net/http"
	"net/url"
	"strings"
)

// bases are the prefixes of OpenAI's paths: the documented base URL, and those of clients
// that are configured for LiteLLM or Azure.
var bases = [...]string{"/openai/v1", "/v1", "", "/openai", "/openai/deployments/{deployment}", "/engines/{deployment}", "/v1/engines/{deployment}"}

// anthropicBases are the prefixes of Anthropic's paths; some clients add /v1 to the base
// URL themselves.
var anthropicBases = [...]string{"/anthropic/v1", "/anthropic", "/v1", ""}

// openAICalls are the operations of OpenAI's API that package transport serves.
var openAICalls = [...]string{
	"/chat/completions", "/completions", "/responses", "/responses/compact", "/responses/input_tokens", "/embeddings",
	"/images/generations", "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations", "/moderations", "/rerank",
}

// anthropicCalls are those of Anthropic's.
var anthropicCalls = [...]string{"/messages", "/messages/count_tokens"}

// unserved are prefixes of paths of the two APIs that the proxy does not serve. It answers
// them with a message. Other unknown paths could be the daemon's own.
var unserved = [...]string{
	"/assistants", "/threads", "/vector_stores", "/uploads", "/conversations", "/fine_tuning", "/realtime", "/evals", "/containers", "/videos", "/organization", "/skills", "/chatkit",
	"/complete", "/edits", "/engines", "/graders",
}

// Clean returns a handler that removes double and trailing slashes from paths, except those
// that end a prefix. The mux would redirect, which turns a client's POST into a GET.
func Clean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := cleaned(r.URL.Path); clean != r.URL.Path && r.URL.RawPath == "" {
			out := new(http.Request)
			*out = *r
			out.URL = new(url.URL)
			*out.URL = *r.URL
			out.URL.Path = clean
			next.ServeHTTP(w, out)
			r.Pattern = out.Pattern
			return
		}
		next.ServeHTTP(w, r)
	})
}

func cleaned(path string) string {
	if len(path) < 2 || path[0] != '/' || !strings.Contains(path, "//") && path[len(path)-1] != '/' {
		return path
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if trimmed := strings.TrimRight(path, "/"); len(trimmed) > 0 && proxied(trimmed) {
		return trimmed
	}
	return path
}

// proxied reports whether a path is one of the proxy's.
func proxied(path string) bool {
	for _, begin := range [...]string{"/openai", "/anthropic", "/v1", "/engines", "/chat", "/completions", "/responses", "/embeddings", "/images", "/audio", "/moderations", "/rerank", "/models", "/files", "/batches", "/messages"} {
		if path == begin || strings.HasPrefix(path, begin+"/") {
			return true
		}
	}
	return false
}
