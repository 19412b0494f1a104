// Package fake has providers of models for tests: they enforce limits by the
// rules of the real ones and answer in their form, streams included.
package fake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Provider answers chats, responses, embeddings and messages. How long an answer
// is, the prompt says: "out=120" anywhere in it means 120 tokens, otherwise it
// is 10. A token of a prompt is 4 bytes of its body's JSON.
type Provider struct {
	// Style says how it counts, refuses and reports: a name of package fuzz/rule. It
	// also says where its key stands. "" = openai.
	Style string
	// Limits are its limits; nil = none.
	Limits *rule.Limits
	// Phase is by how much its minutes begin after those of UTC, where its rule has
	// minutes of its own.
	Phase time.Duration
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

	mu      sync.Mutex
	rule    rule.Rule
	account *rule.Account
	last    *http.Request
	body    []byte
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
	if p.Limits == nil {
		p.Served.Add(1)
		p.answer(w, r, &a, in, out)
		return
	}
	// Where a request names no maximum of output, the provider knows how long the
	// answer will be.
	c := rule.Call{Input: in, Output: out, MaxOutput: cmp.Or(a.MaxTokens, out), Model: a.Model}
	admitted := p.now()
	if !p.admit(w, admitted, c) {
		p.Refused.Add(1)
		return
	}
	p.Served.Add(1)
	p.answer(w, r, &a, in, out)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.account.End(p.now().UnixNano(), admitted.UnixNano(), c)
	charged := p.rule.Charged(c)
	p.Charged.Add(charged.Input + charged.Output)
}

// admit judges a call, writes the headers and, if it refuses, the refusal.
func (p *Provider) admit(w http.ResponseWriter, now time.Time, c rule.Call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.account == nil {
		var ok bool
		if p.rule, ok = rule.Named(cmp.Or(p.Style, "openai")); !ok {
			panic("fake: no rule named " + p.Style)
		}
		p.account = p.rule.Open(*p.Limits, p.Phase)
	}
	refusal := p.account.Admit(now.UnixNano(), c)
	for name, value := range p.account.Headers(now.UnixNano(), refusal) {
		w.Header().Set(name, value)
	}
	if refusal == nil {
		return true
	}
	status, body := p.account.Body(refusal)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return false
}

func (p *Provider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
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
