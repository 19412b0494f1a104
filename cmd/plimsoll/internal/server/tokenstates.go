package server

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TokenCounts counts the outcomes of each token's requests, by the token's name, across
// reloads. It is safe for concurrent use. The zero value is ready for use.
type TokenCounts struct{ byName sync.Map } // of *tokenCount

type tokenCount struct{ admitted, refused, failed atomic.Int64 }

// Seen counts a request that was accepted with a token, by the status of its answer. It is
// for [Guard.Seen].
func (c *TokenCounts) Seen(t *Token, status int) {
	n := c.of(t.Name)
	switch {
	case status == http.StatusTooManyRequests:
		n.refused.Add(1)
	case status >= http.StatusBadRequest:
		n.failed.Add(1)
	default:
		n.admitted.Add(1)
	}
}

func (c *TokenCounts) of(name string) *tokenCount {
	n, ok := c.byName.Load(name)
	if !ok {
		n, _ = c.byName.LoadOrStore(name, &tokenCount{})
	}
	return n.(*tokenCount)
}

// Forget removes the counts of tokens that are not among these.
func (c *TokenCounts) Forget(except *Tokens) {
	names := map[string]bool{}
	for _, t := range except.All() {
		names[t.Name] = true
	}
	c.byName.Range(func(name, _ any) bool {
		if !names[name.(string)] {
			c.byName.Delete(name)
		}
		return true
	})
}

// TokenState is a token, the outcomes of its requests so far, and its limits.
type TokenState struct {
	*Token
	Admitted, Refused, Failed int64 // requests; refused are those answered 429
	// State has the usage of the token's own limits. It has no ID for a token without any.
	State engine.State
}

// States returns the states of the tokens, in the order of their file. The engine must have
// their [Tokens.Callers]; nil = without their usage.
func (t *Tokens) States(counts *TokenCounts, eng *engine.Engine) []TokenState {
	callers := map[string]engine.State{}
	if eng != nil {
		for _, s := range eng.AppendCallerStates(nil) {
			callers[s.ID] = s
		}
	}
	list := make([]TokenState, 0, len(t.All()))
	for _, one := range t.All() {
		n := counts.of(one.Name)
		list = append(list, TokenState{one, n.admitted.Load(), n.refused.Load(), n.failed.Load(), callers[one.Name]})
	}
	return list
}
