package cli_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

const readme = "../../../../README.md"

var (
	updateReadme = flag.Bool("update.readme", false, "write what the commands of README.md print into it")
	console      = regexp.MustCompile("(?s)```console\n\\$ go run \\./cmd/plimsoll ([^\n]*)\n(.*?)```")
	// How long it took is another time each time.
	wallTime = regexp.MustCompile(`(?m)^wall time .*$`)
)

// The tables of README.md are what the commands above them print.
func TestTablesOfTheReadme(t *testing.T) {
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	shown := console.FindAllStringSubmatchIndex(string(text), -1)
	require.Len(t, shown, 1)
	fresh, at := "", 0
	for _, m := range shown {
		args, want := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
		got := plimsoll(t.Context(), strings.Fields(args)...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		fresh, at = fresh+string(text[at:m[4]])+got.stdout, m[5]
		if !*updateReadme {
			require.Equal(t, wallTime.ReplaceAllString(want, ""), wallTime.ReplaceAllString(got.stdout, ""), "plimsoll %s\nIf this is as it should be: go test -run TestTablesOfTheReadme -update.readme", args)
		}
	}
	if *updateReadme {
		require.NoError(t, os.WriteFile(readme, []byte(fresh+string(text[at:])), 0o600))
	}
}
