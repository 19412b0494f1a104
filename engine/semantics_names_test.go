package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func TestLimitNames(t *testing.T) {
	for limit, want := range map[engine.Limit]string{
		engine.LimitNone: "none", engine.LimitRPM: "rpm", engine.LimitTPM: "tpm", engine.LimitInFlight: "in_flight",
		engine.LimitCooldown: "cooldown", engine.LimitDisabled: "disabled",
	} {
		require.Equal(t, want, limit.String())
		text, err := json.Marshal(map[engine.Limit]int{limit: 1})
		require.NoError(t, err)
		require.JSONEq(t, `{"`+want+`":1}`, string(text))
	}
	require.NotEmpty(t, engine.Limit(99).String())
}

func TestStrategyNames(t *testing.T) {
	for _, s := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted} {
		got, err := engine.ParseStrategy(s.String())
		require.NoError(t, err)
		require.Equal(t, s, got)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		var back engine.Strategy
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, back)
	}
	_, err := engine.ParseStrategy("round-robin")
	require.ErrorContains(t, err, "round-robin")
	_, err = engine.Strategy(77).MarshalText()
	require.Error(t, err)
	kept := engine.Weighted
	require.Error(t, kept.UnmarshalText([]byte("nonsense")))
	require.Equal(t, engine.Weighted, kept)
}
