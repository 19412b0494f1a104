package proxy

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// adjust is [transport.Config.Adjust]: it reads the conversation, the tags, the class and the
// wait of a call from its headers and its body.
func (p *Proxy) adjust(r *http.Request, a *transport.Admission) error {
	v := visitOf(r.Context())
	if v == nil {
		return nil
	}
	if v.group != "" {
		a.Group = v.group
	}
	a.Wait, a.Waiting = v.wait, server.Draining(r.Context())
	a.Demand.Affinity, a.Demand.Caller = affinity(r.Header, a), server.CallerOf(r.Context()).Caller()
	now := p.served.Load()
	if err := now.class(r, a); err != nil {
		return err
	}
	routing := p.routing.Load()
	tags, err := readTags(r, a, routing.Tags)
	if err != nil {
		return err
	}
	group := p.groupOf(a.Group)
	if err := p.may(r, a, append(now.known(group, tags.loose), tags.strict...)); err != nil {
		return err
	}
	if a.Demand.Tags, a.Demand.Exclude, err = now.choose(group, tags, routing.Tags); err != nil {
		return err
	}
	p.fallbacks(r, now, a, group, tags)
	for _, name := range [...]string{"litellm_session_id", "litellm_trace_id", "litellm_metadata"} {
		a.SetMember(name, nil)
	}
	v.tokens = max(a.Demand.InputTokens, 0) + max(a.Demand.MaxOutputTokens, 0)
	if previous := a.Text("previous_response_id"); previous != "" {
		return p.follow(r, v, a, previous)
	}
	return nil
}

// sessionHeaders are the headers in which clients name their session: plimsoll's own, those
// of the Codex and Claude command lines, of xAI's clients, and of LiteLLM.
var sessionHeaders = [...]string{
	headerAffinity, "Session-Id", "Session_id", "X-Claude-Code-Session-Id", "X-Grok-Conv-Id", "Conversation_id", "X-Session-Id", "X-Litellm-Session-Id", "X-Litellm-Trace-Id",
}

// affinity returns the hash of a call's conversation: of the first that is present of a
// session's header, the key of the provider's cache, LiteLLM's session, the session or user
// of the metadata, and the conversation. 0 = the call names none.
func affinity(h http.Header, a *transport.Admission) uint64 {
	for _, name := range sessionHeaders {
		if text := h[name]; len(text) > 0 && text[0] != "" {
			return hash(text[0])
		}
	}
	for _, name := range [...]string{"prompt_cache_key", "litellm_session_id", "litellm_trace_id"} {
		if text := a.Text(name); text != "" {
			return hash(text)
		}
	}
	var meta struct {
		SessionID any `json:"session_id"`
		UserID    any `json:"user_id"`
	}
	if raw := a.Member("metadata"); raw != nil && json.Unmarshal(raw, &meta) == nil {
		for _, v := range [...]any{meta.SessionID, meta.UserID} {
			if text, ok := v.(string); ok && text != "" {
				return hash(text)
			}
		}
	}
	if raw := a.Member("conversation"); len(raw) > 0 && raw[0] != 'n' {
		return hash(string(raw))
	}
	return 0
}

// hash returns the 64-bit FNV-1a hash of a text, but 1 in place of 0.
func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return max(h.Sum64(), 1)
}

// class sets the demand's class: that of the header, else LiteLLM's member "priority", where
// a number beyond the last class means the last class.
func (s *served) class(r *http.Request, a *transport.Admission) error {
	last := max(s.classes-1, 0)
	if text := r.Header.Get(headerPriority); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > last {
			return &transport.Refusal{Status: http.StatusBadRequest, Message: "the header " + headerPriority + " must be a whole number from 0 to " + strconv.Itoa(last) + ", one of the classes of priority_share"}
		}
		a.Demand.Priority = n
	}
	if raw := a.Member("priority"); raw != nil {
		n, err := strconv.Atoi(string(raw))
		if err != nil {
			return nil // not LiteLLM's
		}
		a.SetMember("priority", nil)
		if r.Header.Get(headerPriority) == "" {
			a.Demand.Priority = min(max(n, 0), last)
		}
	}
	return nil
}

// texts parses a list of texts; nil if the value is no such list.
func texts(raw json.RawMessage) []string {
	var list []string
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}
