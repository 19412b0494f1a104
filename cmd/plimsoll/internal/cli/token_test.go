package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// Tokens are made, listed and revoked in a file that a daemon follows, and lead where
// their scopes do.
func TestTokenLife(t *testing.T) {
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	write(t, config, oneDeployment)
	mint := func(args ...string) string {
		got := plimsoll(t.Context(), append([]string{"token", "make", "--tokens", tokens}, args...)...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Empty(t, got.stdout)
		return strings.TrimSpace(got.stderr)
	}
	operator := mint("operator", "--scopes", "admin")
	gateway := mint("gateway", "--groups", "ch*", "--expires", "720h")
	info, err := os.Stat(tokens)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	list := plimsoll(t.Context(), "token", "list", "--tokens", tokens)
	require.Regexp(t, `(?m)^operator +admin +all +all +all +none +never$`, list.stdout)
	require.Regexp(t, `(?m)^gateway +decide,observe,proxy +ch\* +all +all +none +20\d\d-`, list.stdout)
	require.NotContains(t, list.stdout, "sha256")

	s := serve(t, "--config", config, "--tokens", tokens)
	bearer := func(secret string) []string { return []string{"Authorization", "Bearer " + secret} }
	for _, tt := range []struct {
		secret, path, body string
		status             int
	}{
		{gateway, "/v1/pick", `{"group":"chat"}`, 200},
		{gateway, "/metrics", "", 403},
		{gateway, "/", "", 403},
		{operator, "/metrics", "", 200},
		{operator, "/v1/pick", `{"group":"chat"}`, 403},
	} {
		status, _ := s.ask(t, tt.path, tt.body, bearer(tt.secret)...)
		require.Equal(t, tt.status, status, tt.path)
	}
	again := plimsoll(t.Context(), "token", "make", "--tokens", tokens, "gateway")
	require.Equal(t, cli.ExitFailure, again.code)
	require.Contains(t, again.stderr, "the name gateway is line 2's too")

	require.Equal(t, cli.ExitOK, plimsoll(t.Context(), "token", "revoke", "gateway", "--tokens", tokens).code)
	servertest.Until(t, "the token is refused", func() bool {
		status, _ := s.ask(t, "/v1/pick", `{"group":"chat"}`, bearer(gateway)...)
		return status == 401
	})
	last := plimsoll(t.Context(), "token", "revoke", "operator", "--tokens", tokens)
	require.Contains(t, last.stderr, "is its only token")
	require.Contains(t, plimsoll(t.Context(), "token", "revoke", "nobody", "--tokens", tokens).stderr, "has no token of the name nobody")
	require.Equal(t, cli.ExitOK, s.stop())
	require.NotContains(t, s.stderr.String()+s.stdout.String(), gateway)
}

func TestTokenUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"make"}, "make: want one argument"},
		{[]string{"make", "a", "--scopes", "root"}, `unknown scope "root"; use any of decide, observe, proxy, admin`},
		{[]string{"make", "a", "--expires", "2001-01-01T00:00:00Z"}, "want a time to come"},
		{[]string{"make", "a", "--expires", "soon"}, "or a duration from now such as 720h"},
		{[]string{"make", "a b"}, "want letters, digits"},
		{[]string{"make", "a", "--groups", "a b"}, "want names without spaces"},
		{[]string{"list"}, "name the file by --tokens FILE"},
		{[]string{"revoke", "a"}, "name the file by --tokens FILE"},
		{nil, "want make, list or revoke"},
	} {
		got := plimsoll(t.Context(), append([]string{"token"}, tt.args...)...)
		require.Equal(t, cli.ExitUsage, got.code, got.stderr)
		require.Contains(t, got.stderr, tt.want)
	}
	line := plimsoll(t.Context(), "token", "make", "a", "--scopes", "decide")
	require.Regexp(t, `^a sha256:[0-9a-f]{64} scopes=decide\n$`, line.stdout)
}
