package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// environ looks variables up in a map.
func environ(vars map[string]string) config.Options {
	return config.Options{LookupEnv: func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}}
}

// parse reads YAML without an environment.
func parse(text string) (*config.File, error) {
	return config.Parse("f.yaml", []byte(text), environ(nil))
}

func mustParse(t *testing.T, text string) *config.File {
	t.Helper()
	f, err := parse(text)
	require.NoError(t, err)
	return f
}

// messages returns the findings, one a line.
func messages(list []config.Finding) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// warningsOf returns the warnings of a file or of an error.
func warningsOf(f *config.File, err error) string {
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		return messages(wrong.Warnings)
	}
	return messages(f.Warnings)
}

func readJSON[T any](t *testing.T, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var v T
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}
