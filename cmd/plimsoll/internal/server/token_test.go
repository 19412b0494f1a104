package server_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func readTokens(t *testing.T, text string) *server.Tokens {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	tokens, err := server.ReadTokens(path)
	require.NoError(t, err)
	return tokens
}

// syncBuilder is a text that may be read while it is written.
type syncBuilder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// mint makes a token and its line.
func mint(t *testing.T, token server.Token) (secret, line string) {
	t.Helper()
	secret, err := token.Mint()
	require.NoError(t, err)
	return secret, token.Line()
}

// A token leads where its scopes do, and nowhere else.
func TestScopes(t *testing.T) {
	var lines []string
	secrets := map[string]string{}
	for name, scopes := range map[string]server.Scope{
		"decide": server.Decide, "observe": server.Observe, "proxy": server.Proxy, "admin": server.Admin, "all": server.AllScopes,
	} {
		secret, line := mint(t, server.Token{Name: name, Scopes: scopes})
		secrets[name], lines = secret, append(lines, line)
	}
	expired, line := mint(t, server.Token{Name: "old", Scopes: server.AllScopes, Expires: time.Now().Add(-time.Second)})
	lines = append(lines, line)
	tokens := readTokens(t, strings.Join(lines, "\n"))
	g := newGuard(tokens, io.Discard)
	for path, scope := range map[string]string{
		"/v1/acquire": "decide", "/v1/settle/batch": "decide", "/v1/deployments": "decide", "/v1/explain": "decide",
		"/v1/observe": "observe", "/v1/observe/batch": "observe",
		"/openai/v1/chat/completions": "proxy", "/anthropic/v1/messages": "proxy",
		"/": "admin", "/metrics": "admin", "/page/events": "admin", "/debug/pprof/heap": "admin", "/v1/admin/enable": "admin", "/new": "admin",
	} {
		for name, secret := range secrets {
			want := 403
			if name == scope || name == "all" {
				want = 200
			}
			got := guarded(t, g, path, "Authorization", "Bearer "+secret)
			require.Equal(t, want, got.StatusCode, "%s with %s", path, name)
		}
		require.Equal(t, 401, guarded(t, g, path, "Authorization", "Bearer "+expired).StatusCode)
	}
	require.Len(t, tokens.Warnings(time.Now()), 1)
	require.Contains(t, tokens.Warnings(time.Now())[0], "the token old has expired; remove it by plimsoll token revoke old")
}

// A line says all that a token may do, and reading it gives the same.
func TestTokenLine(t *testing.T) {
	expires := time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	secret, line := mint(t, server.Token{
		Name: "gw", Scopes: server.Decide | server.Proxy, Groups: server.Patterns{"gpt-*", "claude"}, Tags: server.Patterns{"eu"}, Classes: []int{1, 2}, Expires: expires,
		Limits: engine.Limits{RPM: 60, TPM: 1000, MaxInFlight: 4},
	})
	require.Contains(t, line, " scopes=decide,proxy groups=gpt-*,claude tags=eu priorities=1,2 rpm=60 tpm=1000 in_flight=4 expires=2030-01-31T00:00:00Z")
	tokens := readTokens(t, line)
	got := tokens.Find(secret)
	require.Equal(t, line, got.Line())
	require.Equal(t, []engine.Caller{{ID: "gw", Limits: engine.Limits{RPM: 60, TPM: 1000, MaxInFlight: 4}}}, tokens.Callers())
	require.True(t, got.MayCall("gpt-4o"))
	require.False(t, got.MayCall("claude-2"))
	require.True(t, got.MayTag("eu"))
	require.False(t, got.MayTag("us"))
	require.True(t, got.MayPrioritize(2))
	require.False(t, got.MayPrioritize(0))
	require.NoError(t, tokens.CheckGroups([]string{"gpt-4o", "claude"}))
	require.ErrorContains(t, tokens.CheckGroups([]string{"gpt-4o"}), `tokens:1: groups: "claude" matches no group of the configuration`)
	legacy := readTokens(t, "a sha256:"+strings.Repeat("ab", 32))
	require.Contains(t, legacy.Warnings(time.Now())[0], "the token a names no scopes and has all of them")
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"gpt-4o", "gpt-4o", true},
		{"gpt-4o", "gpt-4o-mini", false},
		{"gpt-*", "gpt-", true},
		{"*", "", true},
		{"*-mini", "gpt-4o-mini", true},
		{"*-mini", "mini", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"*a*", "bab", true},
		{"a*a", "a", false},
		{"**", "x", true},
		{"a?", "ab", false},
		{"[a]", "a", false},
	} {
		p, err := server.ParsePatterns(tt.pattern)
		require.NoError(t, err)
		require.Equal(t, tt.want, p.Match(tt.name), "%s on %s", tt.pattern, tt.name)
	}
}

// A certificate that comes before its key changes nothing; the pair does.
func TestCertificateRenewal(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := func() (certificatePEM, keyPEM []byte) {
		c := certificate(t)
		der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	put := func(path string, text []byte) {
		require.NoError(t, os.WriteFile(path+".new", append(text, '\n'), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
		now := time.Now().Add(time.Duration(len(text)) * time.Second) // another time than before
		require.NoError(t, os.Chtimes(path, now, now))
	}
	oneCert, oneKey := pair()
	put(cert, oneCert)
	put(key, oneKey)
	var log strings.Builder
	c, err := server.LoadCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	shown := func() []byte {
		got, err := c.TLS().GetCertificate(nil)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: got.Certificate[0]})
	}
	twoCert, twoKey := pair()
	put(cert, append(twoCert, '\n'))
	c.Renew()
	c.Renew()
	require.Equal(t, oneCert, shown())
	require.Equal(t, 1, strings.Count(log.String(), "TLS keeps the previous certificate"))
	put(key, append(twoKey, '\n'))
	c.Renew()
	require.Equal(t, twoCert, shown())
	require.NoError(t, os.Remove(key))
	c.Renew()
	require.Equal(t, twoCert, shown())
	_, err = server.LoadCertificate(cert, key, slog.Default())
	require.ErrorContains(t, err, "the key "+key)
}
