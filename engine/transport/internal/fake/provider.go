// Package fake has providers of models for tests: they enforce limits by the
// rules of the real ones and answer in their form, streams included.
package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Provider answers chats, responses, embeddings and messages. How long an answer
// is, the prompt says: "out=120" anywhere in it means 120 tokens, otherwise it
// is 10. A token of a prompt is 4 bytes of its body's JSON.
type Provider struct {
	Rule Rule // nil = no limits
	// Style says whose headers and refusals it has, and what it counts: "openai",
	// "azure", "anthropic" or "mistral".
	Style string
	// Key must be in the header that the style has for it; "" = anything goes.
	Key string
	// Now is its clock; nil = the system's.
	Now func() time.Time
	// Delay is how long an answer takes, by the output's size; nil = no time. A
	// stream spreads its pieces over it.
	Delay func(output int64) time.Duration

	Served, Refused atomic.Int64
	Input, Output   atomic.Int64 // tokens of the usage it reported
	Charged         atomic.Int64 // tokens that its rule has counted in the end

	mu   sync.Mutex
	last *http.Request
	body []byte
}

// pieces is in how many pieces a stream comes at most.
const pieces = 10

// Last returns the last request and its body.
func (p *Provider) Last() (*http.Request, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.body
}

type asked struct {
	Model         string
	Stream        bool
	MaxTokens     int64 `json:"max_tokens"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// ServeHTTP implements [http.Handler].
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.last, p.body = r, body
	p.mu.Unlock()
	var a asked
	if err := json.Unmarshal(body, &a); err != nil {
		http.Error(w, `{"error":{"message":"not JSON"}}`, http.StatusBadRequest)
		return
	}
	if p.Key != "" && p.Key != strings.TrimPrefix(r.Header.Get(p.keyHeader()), "Bearer ") {
		http.Error(w, `{"error":{"message":"wrong key"}}`, http.StatusUnauthorized)
		return
	}
	in, out := int64(len(body)+3)/4, int64(10)
	if _, after, ok := strings.Cut(string(body), "out="); ok {
		_, _ = fmt.Sscan(after, &out)
	}
	if strings.HasSuffix(r.URL.Path, "/embeddings") {
		out = 0
	}
	if p.Rule == nil {
		p.Served.Add(1)
		p.answer(w, r, &a, in, out)
		return
	}
	now := p.now()
	first, final := p.cost(in, out, a.MaxTokens)
	wait, tokens, ok := p.Rule.take(now, float64(first))
	p.headers(w.Header(), now)
	if !ok {
		p.Refused.Add(1)
		p.refuse(w, wait, tokens)
		return
	}
	p.Served.Add(1)
	p.answer(w, r, &a, in, out)
	p.Rule.adjust(p.now(), float64(final-first))
	p.Charged.Add(final)
}

func (p *Provider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// cost returns what the style counts for a call at admission and in the end. Where
// a request names no maximum of output it knows how long the answer will be.
func (p *Provider) cost(in, out, most int64) (first, final int64) {
	if most == 0 {
		return in + out, in + out
	}
	switch p.Style {
	case "azure", "mistral":
		return in + most, in + most
	case "anthropic":
		return in, in + out
	}
	return max(in, most), in + out
}

func (p *Provider) keyHeader() string {
	switch p.Style {
	case "azure":
		return "Api-Key"
	case "anthropic":
		return "X-Api-Key"
	}
	return "Authorization"
}

func (p *Provider) headers(h http.Header, now time.Time) {
	requests, tokens, limit, reset := p.Rule.left(now)
	switch p.Style {
	case "anthropic":
		h.Set("Anthropic-Ratelimit-Requests-Remaining", fmt.Sprint(int64(requests)))
		h.Set("Anthropic-Ratelimit-Tokens-Remaining", fmt.Sprint(int64(tokens)))
		h.Set("Anthropic-Ratelimit-Tokens-Reset", now.Add(reset).UTC().Format(time.RFC3339))
	case "azure":
		h.Set("X-Ratelimit-Remaining-Requests", fmt.Sprint(int64(requests)))
		h.Set("X-Ratelimit-Remaining-Tokens", fmt.Sprint(int64(tokens)))
		h.Set("X-Ratelimit-Limit-Tokens", fmt.Sprint(int64(limit)))
		h.Set("X-Ratelimit-Reset-Tokens", fmt.Sprint(seconds(reset)))
	case "mistral":
		h.Set("X-Ratelimitbysize-Remaining-Minute", fmt.Sprint(int64(tokens)))
		h.Set("X-Ratelimitbysize-Limit-Minute", fmt.Sprint(int64(limit)))
		h.Set("Ratelimitbysize-Reset", fmt.Sprint(seconds(reset)))
	default:
		h.Set("X-Ratelimit-Remaining-Requests", fmt.Sprint(int64(requests)))
		h.Set("X-Ratelimit-Remaining-Tokens", fmt.Sprint(int64(tokens)))
		h.Set("X-Ratelimit-Limit-Tokens", fmt.Sprint(int64(limit)))
		h.Set("X-Ratelimit-Reset-Tokens", reset.String())
	}
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func (p *Provider) refuse(w http.ResponseWriter, wait time.Duration, tokens bool) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	what := "requests"
	if tokens {
		what = "tokens"
	}
	body := ""
	switch p.Style {
	case "anthropic":
		h.Set("Retry-After", fmt.Sprint(seconds(wait)))
		body = `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit of ` + what + `"}}`
	case "azure":
		h.Set("Retry-After-Ms", fmt.Sprint((wait+time.Millisecond-1)/time.Millisecond))
		body = fmt.Sprintf(`{"error":{"code":"429","message":"Requests have exceeded %s rate limit. Please retry after %d seconds."}}`, what, seconds(wait))
	case "mistral":
		body = `{"message":"Requests rate limit exceeded"}`
	default:
		h.Set("Retry-After", fmt.Sprint(seconds(wait)))
		body = fmt.Sprintf(`{"error":{"message":"Rate limit reached on %s per min. Please try again in %s.","type":%q,"param":null,"code":"rate_limit_exceeded"}}`, what, wait, what)
	}
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, body)
}
