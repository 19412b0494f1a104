package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

func TestTop(t *testing.T) {
	s := serve(t)
	s.ask(t, "/v1/acquire", `{"group":"gpt-4o","input_tokens":900,"output_tokens":100}`)
	got := plimsoll(t.Context(), "top", "--once", s.url)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "gpt-4o")
	require.Contains(t, got.stdout, "1,000/")
	require.NotContains(t, got.stdout, "\x1b", "no terminal")
	again := plimsoll(t.Context(), "top", s.url) // not a terminal: once too
	require.Equal(t, cli.ExitOK, again.code, again.stderr)
	s.stop()
	got = plimsoll(t.Context(), "top", s.url)
	require.Equal(t, cli.ExitFailure, got.code)
	require.Contains(t, got.stderr, "no daemon answers at "+s.url)
	require.Contains(t, got.stderr, "plimsoll serve starts one")
}

func TestTopUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--interval", "1ms"}, `invalid value "1ms" for flag --interval: want a time from 100ms to 1m`},
		{[]string{"a", "b"}, "2 arguments; give one address"},
		{[]string{"ftp://x"}, "want the address of a daemon"},
		{[]string{"--fast"}, "fast"},
	} {
		got := plimsoll(t.Context(), append([]string{"top"}, c.args...)...)
		require.Equal(t, cli.ExitUsage, got.code, c.args)
		require.Contains(t, got.stderr, c.want)
	}
	help := plimsoll(t.Context(), "top", "--help")
	require.Equal(t, cli.ExitOK, help.code)
	require.Contains(t, help.stdout, "--once")
}
