package replay_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTable(t *testing.T) {
	report := replay.Report{
		Offered: 30_000, Served: 28_500, RefusedLocal: 1_480, RefusedProvider: 20, Provider429: 41,
		TokensServed: 41_234_567, TokensOffered: 44_000_000, QuotaTokens: 49_400_000, Minutes: 38,
		WallMS: 120, DecisionsPerS: 250_000,
		Deployments: []replay.DeploymentReport{
			{ID: "small", RPMLimit: 6, TPMLimit: 1_000, Served: 7, Tokens: 999, PeakRPM: 1, PeakReservedTPM: 1_000, PeakEndedTPM: 1_010},
			{ID: "large", RPMLimit: 1_800, TPMLimit: 300_000, Served: 6_543, Tokens: 11_000_000, PeakRPM: 310, PeakReservedTPM: 299_998, PeakEndedTPM: 312_345},
		},
	}
	golden(t, "table", &report)
}

func TestTableOfNothing(t *testing.T) {
	golden(t, "empty", &replay.Report{})
}

func golden(t *testing.T, name string, report *replay.Report) {
	t.Helper()
	var got strings.Builder
	require.NoError(t, report.WriteTable(&got))
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}
