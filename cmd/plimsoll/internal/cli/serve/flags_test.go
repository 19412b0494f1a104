package serve

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// A variable stands in for a flag.
func TestFlagsFromTheEnvironment(t *testing.T) {
	completed := func(value string) (flags, error) {
		f, set := defaults(), pflag.NewFlagSet("serve", pflag.ContinueOnError)
		f.register(set)
		err := f.complete(set, nil, func(name string) string { return map[string]string{"PLIMSOLL_PROFILES": value}[name] })
		return f, err
	}
	f, err := completed("auto")
	require.NoError(t, err)
	require.Equal(t, config.ProfilesAuto, f.profiles)
	_, err = completed("all")
	require.EqualError(t, err, "serve: environment variable PLIMSOLL_PROFILES: want auto or plain")
}

// What the files of docs/deploy set are flags that there are.
func TestDeployFiles(t *testing.T) {
	f := defaults()
	known := map[string]bool{}
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	f.register(set)
	set.VisitAll(func(fl *pflag.Flag) {
		known[variable(fl.Name)] = true
	})
	found := 0
	for _, file := range []string{"Dockerfile", "plimsoll.service", "plimsoll.socket", "chart/templates/deployment.yaml", "chart/values.yaml"} {
		text, err := os.ReadFile("../../../../../docs/deploy/" + file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`PLIMSOLL_[A-Z_]+`).FindAllString(string(text), -1) {
			require.True(t, known[name], "%s: %s", file, name)
			found++
		}
	}
	require.GreaterOrEqual(t, found, 6)
}

// The files of docs/deploy leave the daemon the time that its end takes.
func TestDeployTimes(t *testing.T) {
	read := func(file, pattern string) time.Duration {
		text, err := os.ReadFile("../../../../../docs/deploy/" + file)
		require.NoError(t, err)
		m := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(t, m, "%s: %s", file, pattern)
		d, err := time.ParseDuration(strings.TrimSuffix(string(m[1]), "s") + "s")
		require.NoError(t, err)
		return d
	}
	const lastExchange = 5 * time.Second
	f := defaults()
	require.GreaterOrEqual(t, read("plimsoll.service", `TimeoutStopSec=(\d+s)`), f.lameDuck+f.drain+lastExchange)
	const chart = "chart/values.yaml"
	require.GreaterOrEqual(t, read(chart, `terminationGracePeriodSeconds: (\d+)`), read(chart, `lameDuck: (\d+s)`)+read(chart, `drain: (\d+s)`)+lastExchange)
	probe := read("chart/templates/deployment.yaml", `(?s)readinessProbe:.*?periodSeconds: (\d+)`)
	require.Less(t, probe, read(chart, `lameDuck: (\d+s)`), "the lame duck is seen before it ends")
}

var update = flag.Bool("update", false, "write the table of flags of docs/REFERENCE.md")

// docs/REFERENCE.md lists each flag and its variable as the code has them.
func TestFlagsAreDocumented(t *testing.T) {
	f, set := defaults(), pflag.NewFlagSet("serve", pflag.ContinueOnError)
	f.register(set)
	var table strings.Builder
	table.WriteString("| flag | variable | what |\n|---|---|---|\n")
	set.VisitAll(func(fl *pflag.Flag) {
		value := " " + fl.Value.Type()
		if fl.NoOptDefVal != "" {
			value = ""
		}
		usage := strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(fl.Usage)
		fmt.Fprintf(&table, "| `--%s%s` | `%s` | %s |\n", fl.Name, value, variable(fl.Name), usage)
	})
	const path = "../../../../../docs/REFERENCE.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	begin := regexp.MustCompile(`(?m)^<!-- flags: .*\n`).FindIndex(text)
	end := strings.Index(string(text), "<!-- /flags -->")
	require.NotNil(t, begin)
	if *update {
		out := string(text[:begin[1]]) + table.String() + string(text[end:])
		require.NoError(t, os.WriteFile(path, []byte(out), 0o600))
		return
	}
	require.Equal(t, table.String(), string(text[begin[1]:end]), "go test ./cmd/plimsoll/internal/cli/serve -run TestFlagsAreDocumented -update")
}
