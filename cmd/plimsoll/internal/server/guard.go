package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// RequestIDHeader is the header with the ID of a request: the client's, or a new one.
const RequestIDHeader = "X-Request-Id"

// Guard authenticates and authorizes requests.
//
// With tokens, a request must carry a token whose scopes cover the path: as a bearer
// token, as X-Api-Key, or as the password of basic authentication, which browsers ask
// for. Without tokens, a request by TCP must be for a loopback host, which prevents DNS
// rebinding. In both cases Guard refuses requests from pages of another origin. Open paths
// need none of this.
type Guard struct {
	Next http.Handler
	// Tokens returns the tokens with which clients may call; nil = any client may.
	Tokens func() *Tokens
	// Open are paths that need no token and no particular host.
	Open map[string]bool
	// Budget bounds requests in flight; nil = no bound.
	Budget *Budget
	// Seen, if not nil, is called with the token and the status of each request that was
	// accepted with a token.
	Seen   func(t *Token, status int)
	Events *Events // nil = they are not counted
	Log    *slog.Logger

	ids requestIDs
}

// NewGuard returns a guard in front of a handler.
func NewGuard(next http.Handler, tokens func() *Tokens, log *slog.Logger, open ...string) *Guard {
	g := &Guard{Next: next, Tokens: tokens, Open: map[string]bool{}, Log: log}
	for _, path := range open {
		g.Open[path] = true
	}
	g.ids.start = strconv.FormatInt(time.Now().UnixNano(), 36)
	return g
}

// ServeHTTP implements [http.Handler].
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := g.ids.of(r)
	w.Header()[RequestIDHeader] = []string{id}
	if g.Open[r.URL.Path] {
		if _, no := g.refuses(r); no == nil {
			r = r.WithContext(context.WithValue(r.Context(), insiderKey{}, true))
		}
		g.Next.ServeHTTP(w, r)
		return
	}
	token, no := g.refuses(r)
	if no != nil {
		g.refuse(w, r, no, id)
		return
	}
	if !g.Budget.token(token) {
		g.Events.Count(RequestRefused, "token "+token.Name+" has reached --max-requests-per-token")
		g.refuse(w, r, &refusal{http.StatusTooManyRequests, "too_many_under_way", "this token has reached its bound on requests in flight; try again when some have ended"}, id)
		return
	}
	defer g.Budget.tokenEnd(token)
	client, ok := g.Budget.address(r)
	if !ok {
		g.Events.Count(RequestRefused, "a client's address has reached --max-requests-per-address")
		g.refuse(w, r, &refusal{http.StatusTooManyRequests, "too_many_under_way", "this address has reached its bound on requests in flight; try again when some have ended"}, id)
		return
	}
	defer g.Budget.addressEnd(client)
	defer inFlight(r.Context())()
	if token != nil {
		r = r.WithContext(WithCaller(r.Context(), token))
	}
	g.pass(w, r, token, id)
}

type insiderKey struct{}

// Insider reports whether a request for an open path would also be accepted for the paths
// of operators.
func Insider(ctx context.Context) bool { return ctx.Value(insiderKey{}) != nil }

// pass serves a request and logs it.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request, token *Token, id string) {
	debug := g.Log.Enabled(r.Context(), slog.LevelDebug)
	seen := token != nil && g.Seen != nil
	if !debug && !seen {
		g.Next.ServeHTTP(w, r)
		return
	}
	e, ok := w.(*exchange)
	if !ok { // outside of a server
		e = &exchange{ResponseWriter: w, whole: true}
	}
	begin := time.Now()
	g.Next.ServeHTTP(e, r)
	if seen {
		g.Seen(token, max(e.status, http.StatusOK))
	}
	if debug {
		name := ""
		if token != nil {
			name = token.Name
		}
		g.Log.Debug("request", "request_id", id, "method", r.Method, "path", r.URL.Path, "token", name, "status", max(e.status, http.StatusOK), "took", time.Since(begin))
	}
}

// refusal is why a request is refused.
type refusal struct {
	status        int
	kind, message string
}

func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, no *refusal, id string) {
	h := w.Header()
	switch no.status {
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = []string{`Bearer realm="plimsoll"`, `Basic realm="plimsoll", charset="UTF-8"`}
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"type": no.kind, "message": no.message, "request_id": id}})
	g.Log.Debug("request refused", "request_id", id, "type", no.kind, "remote", r.RemoteAddr)
}

// refuses returns the token of a request, nil if there are no tokens, or the refusal.
func (g *Guard) refuses(r *http.Request) (*Token, *refusal) {
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r.Host) {
		return nil, &refusal{http.StatusForbidden, "foreign_origin", "requests from pages of another origin are not answered"}
	}
	tokens := g.Tokens()
	if tokens == nil {
		if byTCP(r.Context()) && !loopback(r.Host) {
			return nil, &refusal{http.StatusForbidden, "foreign_host", "the header Host must name the loopback, such as 127.0.0.1 or localhost; other names need tokens (plimsoll serve --tokens)"}
		}
		return nil, nil
	}
	secret := tokenOf(r)
	if secret == "" {
		return nil, &refusal{http.StatusUnauthorized, "no_token", "send the header Authorization: Bearer TOKEN"}
	}
	t := tokens.find(secret)
	switch {
	case t == nil:
		return nil, &refusal{http.StatusUnauthorized, "unknown_token", "the token is unknown to this daemon"}
	case !t.Expires.IsZero() && !time.Now().Before(t.Expires):
		return nil, &refusal{http.StatusUnauthorized, "token_expired", "the token has expired; ask for a new one"}
	}
	if scope := scopeOf(r.URL.Path); t.Scopes&scope == 0 {
		return nil, &refusal{http.StatusForbidden, "scope", "this path needs a token with the scope " + scope.String()}
	}
	return t, nil
}

func tokenOf(r *http.Request) string {
	a := r.Header.Get("Authorization")
	if scheme, token, ok := strings.Cut(a, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key"} { // of Anthropic's clients, and of Azure's
		if key := r.Header.Get(name); key != "" {
			return key
		}
	}
	_, password, _ := r.BasicAuth()
	return password
}

// sameOrigin reports whether an Origin is the host of the request.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, host)
}

// byTCP reports whether a request came by TCP, where a browser may be behind it.
func byTCP(ctx context.Context) bool {
	a, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	return !ok || a.Network() != "unix"
}

// loopback reports whether a Host is a loopback address or localhost.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// requestIDs creates IDs for requests without one.
type requestIDs struct {
	start string
	last  atomic.Uint64
}

const maxRequestID = 128

// of returns the client's ID of a request if it is valid, else a new one.
func (ids *requestIDs) of(r *http.Request) string {
	if id := r.Header[RequestIDHeader]; len(id) == 1 && fit(id[0]) {
		return id[0]
	}
	return ids.start + "-" + strconv.FormatUint(ids.last.Add(1), 10)
}

func fit(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
