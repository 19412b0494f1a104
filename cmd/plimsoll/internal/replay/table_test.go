package replay_test

import (
	"flag"
	"io"
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
			{ID: "unlimited", Served: 12, Tokens: 1_100, PeakRPM: 1, PeakReservedTPM: 2_000, PeakEndedTPM: 2_010},
			{ID: "blocked", RPMLimit: -1, TPMLimit: -1},
		},
	}
	golden(t, "table", &report)
}

func TestTableOfNothing(t *testing.T) {
	golden(t, "empty", &replay.Report{})
}

func TestComparisonTable(t *testing.T) {
	run := func(policy string, served, refusedLocal, refusedProvider, provider429, tokens, overrun int64, fairness float64) replay.PolicyReport {
		return replay.PolicyReport{
			Report: &replay.Report{
				Policy: policy, Offered: served + refusedLocal + refusedProvider, Served: served, RefusedLocal: refusedLocal,
				RefusedProvider: refusedProvider, Provider429: provider429, TokensServed: tokens, QuotaTokens: 1_000_000_000,
				Fairness: fairness, Minutes: 1000,
			},
			SoftCap: replay.SoftCapReport{OverrunTokens: overrun},
		}
	}
	golden(t, "comparison", &replay.Comparison{Policies: []replay.PolicyReport{
		run("engine", 950, 49, 1, 2, 950_000_000, 1_234_567, 0.9999),
		run("litellm+cooldown", 900, 60, 40, 1204, 912_340_000, 271_000_000, 0.871),
	}})
	golden(t, "nothingcompared", &replay.Comparison{Policies: []replay.PolicyReport{{Report: &replay.Report{Policy: "engine"}}}})
}

func golden(t *testing.T, name string, report interface{ WriteTable(w io.Writer) error }) {
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
