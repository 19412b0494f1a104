package api

import (
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

type tokensAnswer struct {
	Tokens []tokenBody `json:"tokens"`
}

// tokenBody is a token with the outcomes of its requests since the daemon's start, and the
// usage of its own limits.
type tokenBody struct {
	Name     string              `json:"name"`
	Scopes   string              `json:"scopes"`
	Expires  *time.Time          `json:"expires,omitempty"`
	Admitted int64               `json:"admitted"`
	Refused  int64               `json:"refused"`
	Failed   int64               `json:"failed"`
	Limits   []engine.LimitState `json:"limits"`
}

// getTokens is GET /v1/admin/tokens. Its path needs the scope admin.
func (a *API) getTokens(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		a.refuse(w, p)
		return
	}
	out := tokensAnswer{[]tokenBody{}}
	if a.tokens != nil {
		for _, t := range a.tokens() {
			b := tokenBody{t.Name, t.Scopes.String(), nil, t.Admitted, t.Refused, t.Failed, t.State.Limits}
			if !t.Expires.IsZero() {
				b.Expires = &t.Expires
			}
			if b.Limits == nil {
				b.Limits = []engine.LimitState{}
			}
			out.Tokens = append(out.Tokens, b)
		}
	}
	a.write(w, http.StatusOK, out)
}
