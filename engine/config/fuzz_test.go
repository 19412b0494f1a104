package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// Whatever the bytes are, Parse returns a configuration that the engine takes,
// or an Error with something in it, and reads the same bytes the same way twice.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everyField), false)
	files, err := filepath.Glob("testdata/bad-*.yaml")
	require.NoError(f, err)
	for _, path := range files {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data, false)
	}
	f.Add([]byte(`{"model_list": [{"model_name": "g", "litellm_params": {"model": "m", "rpm": 1e3, "x": {"y": [null, true]}}}]}`), true)
	f.Add([]byte("model_list:\n- &a {model_name: g, litellm_params: {<<: &p {model: m}, weight: 1, tags: [a]}}\n- {<<: *a, model_info: {id: 1:30}}\nrouter_settings: {redis_url: 'redis://:x@h'}\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "f.yaml"
		if isJSON {
			name = "f.json"
		}
		vars := environ(map[string]string{"A": "1", "B": "true", "C": "text"})
		file, err := config.Parse(name, data, vars)
		again, errAgain := config.Parse(name, data, vars)
		if err != nil {
			wrong, ok := errors.AsType[*config.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, wrong.Findings)
			require.LessOrEqual(t, len(wrong.Findings), config.MaxFindings)
			require.Nil(t, file)
			require.EqualError(t, errAgain, err.Error())
			return
		}
		require.Equal(t, file.Engine, again.Engine)
		require.Equal(t, file.Warnings, again.Warnings)
		require.LessOrEqual(t, len(file.Warnings), config.MaxFindings+1)
		_, err = engine.New(file.Engine)
		require.NoError(t, err)
	})
}
