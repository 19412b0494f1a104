package server

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TokenCounts counts what came of the requests of each token, by the token's name, over
// changes of their file. Safe for concurrent use; the zero value has counted nothing.
type TokenCounts struct{ byName sync.Map } // of *tokenCount

type tokenCount struct{ admitted, refused, failed atomic.Int64 }

// Seen counts a request that a token was let through with, by the status of its answer: it
// is a [Guard.Seen].
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

// TokenState is a token, what came of its requests so far, and its limits.
type TokenState struct {
	*Token
	Admitted, Refused, Failed int64 // requests; refused are those answered 429
	// State has the usage of the token's own limits. It has no ID for a token without any.
	State engine.State
}

// States returns the tokens as they are now, in the order of their file. The engine has
// their [Tokens.Callers]; nil = their usage is not asked for.
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
