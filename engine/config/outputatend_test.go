package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// TestOutputAtEndIsGone: files that turned the former rule off still load.
func TestOutputAtEndIsGone(t *testing.T) {
	text := func(v string) []byte {
		return []byte("deployments:\n  - {id: a, group: g, profile: {output_at_end: " + v + "}}\n")
	}
	_, err := config.Parse("f.yaml", text("true"), environ(nil))
	require.ErrorContains(t, err, "f.yaml:2: deployments[0].profile.output_at_end: is true")
	require.ErrorContains(t, err, "lower tpm")
	f, err := config.Parse("f.yaml", text("false"), environ(nil))
	require.NoError(t, err)
	require.Len(t, f.Warnings, 1)
	require.Contains(t, f.Warnings[0].String(), "deployments[0].profile.output_at_end")
}
