package cli_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// Flags may stand before a command, before its arguments, between them and after them.
func TestFlagsStandAnywhere(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	secret := regexp.MustCompile(`sha256:[0-9a-f]+|plm_\S+`)
	for name, orders := range map[string][][]string{
		"check":        {{"check", "--json", "--profiles", "auto", "F"}, {"check", "--json", "F", "--profiles", "auto"}, {"check", "F", "--json", "--profiles=auto"}, {"--json", "--profiles", "auto", "check", "F"}},
		"check, short": {{"check", "--convert", "F"}, {"check", "F", "--convert"}, {"check", "F", "-convert"}},
		"token make": {
			{"token", "make", "--scopes", "proxy", "--groups", "g", "one"}, {"token", "make", "--scopes", "proxy", "one", "--groups", "g"}, {"token", "make", "one", "--scopes", "proxy", "--groups", "g"},
		},
		"token revoke": {{"token", "revoke", "--tokens", tokens, "none"}, {"token", "revoke", "none", "--tokens", tokens}},
		"help":         {{"serve", "--help"}, {"--help", "serve"}, {"help", "serve"}},
		"man":          {{"man", "--help", "serve"}, {"man", "serve", "--help"}},
		"usage, lab":   {{"lab", "--quick", "x"}, {"lab", "x", "--quick"}},
		"usage":        {{"replay", "--load", "1", "x"}, {"replay", "x", "--load", "1"}},
		"usage, top":   {{"top", "--once", "x"}, {"top", "x", "--once"}},
		"usage, fake":  {{"fake", "--listen", "127.0.0.1:0", "x"}, {"fake", "x", "--listen", "127.0.0.1:0"}},
		"usage, serve": {{"serve", "--demo", "x"}, {"serve", "x", "--demo"}},
	} {
		t.Run(name, func(t *testing.T) {
			var first result
			for i, args := range orders {
				for j := range args {
					if args[j] == "F" {
						args[j] = "testdata/check-own.yaml"
						if name == "check, short" {
							args[j] = "testdata/litellm/account.yaml"
						}
					}
				}
				got := plimsoll(t.Context(), args...)
				got.stdout, got.stderr = secret.ReplaceAllString(got.stdout, ""), secret.ReplaceAllString(got.stderr, "")
				require.NotContains(t, got.stderr, "unknown flag")
				if i == 0 {
					first = got
					continue
				}
				require.Equal(t, first, got, "%v", args)
			}
			if name == "check" || name == "token make" || name == "help" {
				require.Equal(t, cli.ExitOK, first.code, first.stderr)
			}
		})
	}
}
