package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

var update = flag.Bool("update", false, "write testdata/*.golden again")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// Every testdata/bad-*.yaml has its errors and warnings in a file of the same
// name, .golden: one for each kind of mistake.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/bad-*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			f, err := config.Parse(filepath.Base(path), data, environ(nil))
			require.Error(t, err)
			require.Nil(t, f)
			golden(t, strings.TrimSuffix(filepath.Base(path), ".yaml")+".golden",
				err.Error()+"\nWarnings:\n"+warningsOf(f, err))
		})
	}
}

// A hundred findings are listed, the others counted.
func TestFindingsAreBounded(t *testing.T) {
	_, err := parse("deployments:\n" + strings.Repeat("- {id: a, group: g, x: 1}\n", 300))
	require.ErrorContains(t, err, "f.yaml:3: deployments[1].id: \"a\" is the id of the deployment on line 2 already")
	require.ErrorContains(t, err, "and 199 more errors")
	require.Len(t, strings.Split(err.Error(), "\n"), config.MaxFindings+1)
	require.Contains(t, warningsOf(nil, err), "and 200 more warnings")
}
