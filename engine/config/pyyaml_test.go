package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// testdata/scalars.json holds what PyYAML 6 makes of unquoted scalars: the
// scalar, its kind, and Python's str of it.
func TestScalarsAreThoseOfPyYAML(t *testing.T) {
	for _, v := range readJSON[[][3]string](t, "testdata/scalars.json") {
		kind, text, err := config.Scalar(v[0])
		switch {
		case v[1] == "error":
			require.Error(t, err, v[0])
			continue
		case kind == "null":
			text = "None"
		}
		require.NoError(t, err, v[0])
		require.Equal(t, v, [3]string{v[0], kind, text})
	}
}

// A long scalar takes no long time, and a long number is refused as by Python.
func TestLongScalars(t *testing.T) {
	for _, tt := range []struct {
		name, scalar, kind string
		wrong              bool
	}{
		{"digits", strings.Repeat("9", 4300), "int", false},
		{"too many digits", strings.Repeat("9", 4301), "", true},
		{"a megabyte of digits", strings.Repeat("9", 1<<20), "", true},
		{"sexagesimal", "1" + strings.Repeat(":30", 1<<18), "", true},
		{"binary", "0b" + strings.Repeat("10", 1<<18), "", true},
		{"hexadecimal", "0x" + strings.Repeat("af", 1<<18), "", true},
		{"hexadecimal without 0x", strings.Repeat("9a", 1<<18), "text", false},
		{"dashes", strings.Repeat("-1", 1<<18), "text", false},
		{"letters", strings.Repeat("n", 1<<20), "text", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kind, _, err := config.Scalar(tt.scalar)
			require.Equal(t, tt.wrong, err != nil)
			if err == nil {
				require.Equal(t, tt.kind, kind)
			}
		})
	}
}

// testdata/ids.json holds documents and the id that LiteLLM's rule gives them,
// computed in Python.
func TestGeneratedIDs(t *testing.T) {
	for _, v := range readJSON[[][2]string](t, "testdata/ids.json") {
		id, err := config.GeneratedID(v[0])
		require.NoError(t, err, v[0])
		require.Equal(t, v[1], id, v[0])
	}
}

func TestGeneratedIDRefuses(t *testing.T) {
	_, err := config.GeneratedID("model_name: a\nlitellm_params: {l: [2024-01-01 10:00:00]}\n")
	require.ErrorContains(t, err, "a date inside a list or mapping")
	_, err = config.GeneratedID("model_name: a\nlitellm_params: {m: {d: 2024-01-01}}\n")
	require.ErrorContains(t, err, "a date inside a list or mapping")
	_, err = config.GeneratedID("model_name: a\nlitellm_params: {m: {2024-01-01: d}}\n")
	require.ErrorContains(t, err, "a date inside a list or mapping")
	_, err = config.GeneratedID("model_name: a\nlitellm_params: {m: " + strings.Repeat("x", 1<<20) + "}\n")
	require.ErrorContains(t, err, "too long")
}
