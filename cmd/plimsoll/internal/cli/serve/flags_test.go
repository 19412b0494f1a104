package serve

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// A variable stands in for a flag.
func TestFlagsFromTheEnvironment(t *testing.T) {
	f, err := parseFlags(nil, func(name string) string { return map[string]string{"PLIMSOLL_PROFILES": "auto"}[name] })
	require.NoError(t, err)
	require.Equal(t, config.ProfilesAuto, f.profiles)
	_, err = parseFlags(nil, func(name string) string { return map[string]string{"PLIMSOLL_PROFILES": "all"}[name] })
	require.EqualError(t, err, "serve: environment variable PLIMSOLL_PROFILES: want auto or plain")
}

// What the files of docs/deploy set are flags that there are.
func TestDeployFiles(t *testing.T) {
	var f flags
	known := map[string]bool{}
	f.flagSet().VisitAll(func(fl *flag.Flag) {
		known[envPrefix+strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))] = true
	})
	found := 0
	for _, file := range []string{"Dockerfile", "plimsoll.service", "plimsoll.socket"} {
		text, err := os.ReadFile("../../../../../docs/deploy/" + file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`PLIMSOLL_[A-Z_]+`).FindAllString(string(text), -1) {
			require.True(t, known[name], "%s: %s", file, name)
			found++
		}
	}
	require.GreaterOrEqual(t, found, 6)
}
