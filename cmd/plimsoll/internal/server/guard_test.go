package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// guarded answers a request through a guard. Headers come in pairs.
func guarded(t *testing.T, g *server.Guard, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1:4141"+path, strings.NewReader("{}"))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result()
}

func newGuard(tokens *server.Tokens, log io.Writer) *server.Guard {
	return server.NewGuard(hello, func() *server.Tokens { return tokens },
		slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), "/healthz")
}

func TestGuardWithoutTokens(t *testing.T) {
	g := newGuard(nil, io.Discard)
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"plain", nil, 200},
		{"localhost", []string{"Host", "localhost:4141"}, 200},
		{"other loopback", []string{"Host", "127.8.8.8"}, 200},
		{"IPv6", []string{"Host", "[::1]:4141"}, 200},
		{"its own page", []string{"Origin", "http://127.0.0.1:4141"}, 200},
		{"rebound name", []string{"Host", "evil.example:4141"}, 403},
		{"name like it", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"localhost of another domain", []string{"Host", "localhost.evil.example"}, 403},
		{"no host", []string{"Host", ""}, 403},
		{"this network", []string{"Host", "10.0.0.1:4141"}, 403},
		{"foreign page", []string{"Origin", "https://evil.example"}, 403},
		{"page of another port", []string{"Origin", "http://127.0.0.1:8080"}, 403},
		{"page of nowhere", []string{"Origin", "null"}, 403},
		{"page of a file", []string{"Origin", "file://127.0.0.1:4141"}, 403},
		{"same name twice", []string{"Host", "evil.example", "Origin", "http://evil.example"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.status, guarded(t, g, "/v1/pick", tt.headers...).StatusCode)
		})
	}
}

func TestGuardWithTokens(t *testing.T) {
	token, line, err := server.NewToken("gateway-1")
	require.NoError(t, err)
	other, _, err := server.NewToken("gateway-2")
	require.NoError(t, err)
	require.NotEqual(t, token, other)
	require.NotContains(t, line, token)
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(path, []byte("# who may call\n\n"+line+"\r\n"), 0o600))
	tokens, err := server.ReadTokens(path)
	require.NoError(t, err)
	var log strings.Builder
	g := newGuard(tokens, &log)
	basic := func(password string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("anyone", password)
		return r.Header.Get("Authorization")
	}
	for _, tt := range []struct {
		name, path string
		headers    []string
		status     int
	}{
		{"right", "/v1/pick", []string{"Authorization", "Bearer " + token}, 200},
		{"right by another name", "/v1/pick", []string{"Authorization", "bearer " + token, "Host", "plimsoll.internal"}, 200},
		{"a browser's", "/v1/pick", []string{"Authorization", basic(token)}, 200},
		{"an SDK's", "/anthropic/v1/messages", []string{"X-Api-Key", token}, 200},
		{"an SDK's wrong", "/anthropic/v1/messages", []string{"X-Api-Key", other}, 401},
		{"health", "/healthz", nil, 200},
		{"none", "/v1/pick", nil, 401},
		{"wrong", "/v1/pick", []string{"Authorization", "Bearer " + other}, 401},
		{"cut", "/v1/pick", []string{"Authorization", "Bearer " + token[:len(token)-1]}, 401},
		{"its hash", "/v1/pick", []string{"Authorization", "Bearer " + strings.Fields(line)[1]}, 401},
		{"empty", "/v1/pick", []string{"Authorization", "Bearer "}, 401},
		{"a browser's wrong", "/v1/pick", []string{"Authorization", basic("x")}, 401},
		{"foreign page", "/v1/pick", []string{"Authorization", basic(token), "Origin", "https://evil.example"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := guarded(t, g, tt.path, tt.headers...)
			require.Equal(t, tt.status, got.StatusCode)
			require.Equal(t, tt.status == 401, got.Header.Get("Www-Authenticate") != "")
		})
	}
	require.NotContains(t, log.String(), token)
	require.NotContains(t, log.String(), other)
	require.Contains(t, log.String(), "status=200")
}

func TestRequestIDs(t *testing.T) {
	g := newGuard(nil, io.Discard)
	id := func(headers ...string) string {
		return guarded(t, g, "/", headers...).Header.Get(server.RequestIDHeader)
	}
	require.Equal(t, "req-7/a", id(server.RequestIDHeader, "req-7/a"))
	first, second := id(), id()
	require.NotEmpty(t, first)
	require.NotEqual(t, first, second)
	for _, bad := range []string{"a b", "a\x01", `a"b`, "ä", strings.Repeat("x", 129)} {
		require.NotContains(t, id(server.RequestIDHeader, bad), bad)
	}
}

func TestReadTokensErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	hash := "sha256:" + strings.Repeat("ab", 32)
	for name, tt := range map[string]struct{ text, want string }{
		"empty":      {"# nobody\n", ": has no token"},
		"no name":    {hash, ":1: want a name"},
		"a token":    {"gateway plm_secret", ":1: want a name"},
		"short":      {"a " + hash + "\nb sha256:abcd\n", ":2: want a name"},
		"no hash":    {"a " + strings.Repeat("ab", 32), ":1: want a name"},
		"not digits": {"a sha256:" + strings.Repeat("zz", 32), ":1: want a name"},
		"bad name":   {"a\x00b " + hash, ":1: want a name"},
		"long line":  {strings.Repeat("x", 100_000), "token too long"},
		"two names":  {"a " + hash + "\na sha256:" + strings.Repeat("cd", 32), ":2: the name a is line 1's too"},
		"one twice":  {"a " + hash + "\nb " + hash, ":2: is the token of line 1 again"},
		"too many":   {manyTokens(1001), "more than 1000 tokens"},
		"scope":      {"a " + hash + " scopes=decide,rule", `:1: scopes: unknown scope "rule"; use any of`},
		"attribute":  {"a " + hash + " scope=decide", ":1: unknown attribute; use any of scopes="},
		"pattern":    {"a " + hash + " groups=a,,b", ":1: groups: an empty pattern"},
		"class":      {"a " + hash + " priorities=1,low", `:1: priorities: "low" is no class of priority`},
		"time":       {"a " + hash + " expires=tomorrow", `:1: expires: "tomorrow" is no time such as`},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(tt.text), 0o600))
			_, err := server.ReadTokens(path)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "plm_secret")
		})
	}
	_, _, err := server.NewToken("two words")
	require.ErrorContains(t, err, "want letters")
}

// manyTokens is a file of n tokens.
func manyTokens(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d sha256:%064x\n", i, i)
	}
	return b.String()
}
