package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// A manual page and a completion come from the same flags as the help.
func TestManAndCompletion(t *testing.T) {
	page := plimsoll(t.Context(), "man", "serve")
	require.Equal(t, cli.ExitOK, page.code, page.stderr)
	require.True(t, strings.HasPrefix(page.stdout, ".nh\n.TH \"PLIMSOLL-SERVE\""), page.stdout)
	require.Contains(t, page.stdout, `\fB--admin-listen\fP`)
	require.Equal(t, cli.ExitUsage, plimsoll(t.Context(), "man", "serves").code)

	script := plimsoll(t.Context(), "completion", "bash")
	require.Equal(t, cli.ExitOK, script.code)
	require.Contains(t, script.stdout, "__start_plimsoll")
	offered := plimsoll(t.Context(), "__complete", "serve", "--ma")
	require.Contains(t, offered.stdout, "--max-connections")
	help := plimsoll(t.Context(), "completion", "--help")
	require.Contains(t, help.stdout, "Usage: plimsoll completion")
}
