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

// RequestIDHeader names a request: the client's name for it, if it has one.
const RequestIDHeader = "X-Request-Id"

// Guard lets only those requests through that may be made.
//
// With tokens, a request has to carry one: as a bearer token, as X-Api-Key, or as
// the password of basic authentication, which browsers ask for. Without tokens, a request that
// came by TCP must be for a loopback host, so that no name that an attacker points
// here leads through. No page of another origin is let through in either case.
type Guard struct {
	Next http.Handler
	// Tokens returns those that may call; nil = all may.
	Tokens func() *Tokens
	// Open are paths that need no token.
	Open map[string]bool
	Log  *slog.Logger

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
	if status, kind, message := g.refuses(r); status != 0 {
		if status == http.StatusUnauthorized {
			w.Header()["Www-Authenticate"] = []string{`Bearer realm="plimsoll"`, `Basic realm="plimsoll", charset="UTF-8"`}
		}
		refuse(w, status, kind, message, id)
		g.Log.Debug("request refused", "request_id", id, "type", kind, "remote", r.RemoteAddr)
		return
	}
	if !g.Log.Enabled(r.Context(), slog.LevelDebug) {
		g.Next.ServeHTTP(w, r)
		return
	}
	begin := time.Now()
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	g.Next.ServeHTTP(seen, r)
	g.Log.Debug("request", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", seen.status, "took", time.Since(begin))
}

// refuses says why a request may not be made; status 0: it may.
func (g *Guard) refuses(r *http.Request) (status int, kind, message string) {
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r.Host) {
		return http.StatusForbidden, "foreign_origin", "requests from pages of another origin are not answered"
	}
	tokens := g.Tokens()
	if tokens == nil {
		if byTCP(r.Context()) && !loopback(r.Host) {
			return http.StatusForbidden, "foreign_host", "the header Host must name the loopback, such as 127.0.0.1 or localhost; other names need tokens (plimsoll serve --tokens)"
		}
		return 0, "", ""
	}
	if g.Open[r.URL.Path] {
		return 0, "", ""
	}
	if token := tokenOf(r); token == "" {
		return http.StatusUnauthorized, "no_token", "send the header Authorization: Bearer TOKEN"
	} else if tokens.name(token) == "" {
		return http.StatusUnauthorized, "unknown_token", "the token is not one of those that may call"
	}
	return 0, "", ""
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

// sameOrigin reports whether an Origin is the host that was asked.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, host)
}

// byTCP reports whether a request came by TCP, where a browser may be behind it.
func byTCP(ctx context.Context) bool {
	a, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	return !ok || a.Network() != "unix"
}

// loopback reports whether a Host names this machine to itself.
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

func refuse(w http.ResponseWriter, status int, kind, message, id string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"type": kind, "message": message, "request_id": id}})
}

// requestIDs names requests that have no name.
type requestIDs struct {
	start string
	last  atomic.Uint64
}

const maxRequestID = 128

// of returns the client's name for a request if it is fit to be repeated, else a
// new one.
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

// statusWriter remembers an answer's status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
