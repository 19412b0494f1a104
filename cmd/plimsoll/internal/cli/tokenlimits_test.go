package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// makeToken makes a token with a command line's flags, and returns it.
func makeToken(t *testing.T, tokens, name string, flags ...string) string {
	t.Helper()
	made := plimsoll(t.Context(), append([]string{"token", "make", name, "--tokens", tokens}, flags...)...)
	require.Equal(t, cli.ExitOK, made.code, made.stderr)
	return regexp.MustCompile(`plm_\S+`).FindString(made.stdout + made.stderr)
}

// A token's own limits hold for the API and the proxy together, beside those of the
// deployments; what is refused says whose limit it is. A reload changes them.
func TestServeTokenLimits(t *testing.T) {
	p := newUpstream(t)
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	write(t, config, p.callable("sk-none"))
	one := makeToken(t, tokens, "one", "--in-flight", "1")
	few := makeToken(t, tokens, "few", "--rpm", "1", "--scopes", "decide,proxy")
	small := makeToken(t, tokens, "small", "--tpm", "5")
	free := makeToken(t, tokens, "free", "--scopes", "decide,proxy,admin")
	listed := plimsoll(t.Context(), "token", "list", "--tokens", tokens)
	require.Regexp(t, `one .* in_flight=1 .*never`, listed.stdout)
	s := serve(t, "--config", config, "--tokens", tokens)
	ask := func(token, path, body string) (int, map[string]any) {
		return s.ask(t, path, body, "Authorization", "Bearer "+token)
	}

	const acquire = `{"group":"gpt-4o","input_tokens":10,"output_tokens":5}`
	code, lease := ask(one, "/v1/acquire", acquire)
	require.Equal(t, 200, code)
	code, refused := ask(one, "/v1/acquire", acquire)
	require.Equal(t, 429, code)
	no := refused["error"].(map[string]any)
	require.Equal(t, "one", no["token"])
	require.Equal(t, "in_flight", no["limit"])
	require.Positive(t, no["retry_after_ms"])
	code, refused = ask(one, "/openai/v1/chat/completions", aChat)
	require.Equal(t, 429, code, "the proxy counts in the same limit")
	require.Contains(t, refused["error"].(map[string]any)["message"], `Rate limit of caller "one" reached for "gpt-4o" (in_flight)`)
	require.Equal(t, "rate_limit_exceeded", refused["error"].(map[string]any)["code"])
	code, refused = ask(one, "/anthropic/v1/messages", `{"model":"claude-sonnet","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]}`)
	require.Equal(t, 429, code)
	require.Equal(t, "rate_limit_error", refused["error"].(map[string]any)["type"])
	code, _ = ask(free, "/v1/acquire", acquire)
	require.Equal(t, 200, code, "a token without limits")
	code, _ = ask(one, "/v1/release", `{"lease":"`+lease["lease"].(string)+`"}`)
	require.Equal(t, 200, code)
	code, _ = ask(one, "/openai/v1/chat/completions", aChat)
	require.Equal(t, 200, code)

	statuses := map[int]int{} // in at most two minutes
	for range 4 {
		code, _ = ask(few, "/openai/v1/chat/completions", aChat)
		statuses[code]++
	}
	require.GreaterOrEqual(t, statuses[429], 2, "%v", statuses)
	require.GreaterOrEqual(t, statuses[200], 1)
	code, refused = ask(small, "/v1/acquire", acquire)
	require.Equal(t, 413, code)
	require.Equal(t, "small", refused["error"].(map[string]any)["token"])
	code, refused = ask(small, "/v1/precheck", `{"deployment":"main","input_tokens":6}`)
	require.Equal(t, 413, code)
	require.Equal(t, "small", refused["error"].(map[string]any)["token"])

	// What came of each token's requests is shown to admins, and to them alone.
	out := plimsollWith(t.Context(), map[string]string{"PLIMSOLL_TOKEN": free}, "top", "--once", s.url)
	require.Equal(t, cli.ExitOK, out.code, out.stderr)
	require.Regexp(t, `\n  one +\d.* 0/1 .*3 refused, 0 failed\n`, out.stdout)
	require.Regexp(t, `\n  free .* 0 refused, 0 failed\n`, out.stdout)
	out = plimsollWith(t.Context(), map[string]string{"PLIMSOLL_TOKEN": few}, "top", "--once", s.url)
	require.Equal(t, cli.ExitOK, out.code, out.stderr)
	require.NotContains(t, out.stdout, "tokens, with their requests")
	require.NotContains(t, out.stdout, "free")
	html := s.text(t, strings.Replace(s.url, "://", "://x:"+free+"@", 1)+"/")
	require.Contains(t, html, "3 refused")

	metrics := s.text(t, strings.Replace(s.url, "://", "://x:"+free+"@", 1)+"/metrics")
	require.Contains(t, metrics, `plimsoll_caller_limit{caller="one",limit="in_flight"} 1`)
	require.Contains(t, metrics, `plimsoll_caller_usage{caller="one",limit="in_flight"} 0`)
	require.NotContains(t, metrics, `plimsoll_caller_usage{caller="free"`)

	// A reload lifts a limit.
	text, err := os.ReadFile(tokens)
	require.NoError(t, err)
	write(t, tokens, regexp.MustCompile(` tpm=5`).ReplaceAllString(string(text), " tpm=5000"))
	require.Eventually(t, func() bool {
		code, _ := ask(small, "/v1/acquire", acquire)
		return code == 200
	}, 30*time.Second, 50*time.Millisecond)
}

// What is no limit is refused, with the field and the line.
func TestTokenLimitsBadInput(t *testing.T) {
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	write(t, config, "deployments: [{id: a, group: chat}]\n")
	for flag, value := range map[string]string{"--rpm": "0", "--tpm": "-1", "--in-flight": "many"} {
		got := plimsoll(t.Context(), "token", "make", "x", flag, value)
		require.Equal(t, cli.ExitUsage, got.code, got.stderr)
		require.Contains(t, got.stderr, "want a whole number from 1 to")
	}
	for attribute, message := range map[string]string{
		"rpm=0":   `tokens:1: rpm: "0" is no limit; want a whole number from 1 to 4398046511104 of requests per minute`,
		"tpm=1e6": `tokens:1: tpm: "1e6" is no limit`, "in_flight=": `tokens:1: in_flight: "" is no limit`, "rph=5": "tokens:1: unknown attribute; use any of",
	} {
		write(t, tokens, "gw sha256:"+strings.Repeat("ab", 32)+" "+attribute+"\n")
		got := plimsoll(t.Context(), "serve", "--config", config, "--tokens", tokens)
		require.Equal(t, cli.ExitFailure, got.code)
		require.Contains(t, got.stderr, message)
	}
}
