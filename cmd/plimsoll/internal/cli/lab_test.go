package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/report"
)

// A small part of the matrix gives the same bytes again, from a file of finished runs too.
func TestLab(t *testing.T) {
	dir := t.TempDir()
	traces := filepath.Join(dir, "traces")
	require.NoError(t, os.Mkdir(traces, 0o700))
	var trace strings.Builder
	trace.WriteString("arrival_ms,input_tokens,output_tokens\n")
	for range 40 {
		trace.WriteString("0,3000,100\n")
	}
	trace.WriteString("60000,5,5\n")
	require.NoError(t, os.WriteFile(filepath.Join(traces, "own.csv"), []byte(trace.String()), 0o600))
	file := func(name string) string { return filepath.Join(dir, name) }
	page := file("page.md")
	require.NoError(t, os.WriteFile(page, []byte("before\n<!-- lab:goals -->\nold\n<!-- /lab:goals -->\nafter\n"), 0o600))

	args := []string{
		"lab", "--quick", "--world", "openai", "--world", "wait-fixed", "--traffic", "own", "--traces", traces, "--seeds", "2",
		"--resume", file("state"), "--csv", file("runs.csv"), "--json", file("rows.json"), "--markdown", page,
	}
	first := plimsoll(t.Context(), args...)
	require.Equal(t, cli.ExitOK, first.code, first.stderr)
	require.Contains(t, first.stdout, "openai")
	require.Contains(t, first.stdout, "wait-fixed")
	csv, err := os.ReadFile(file("runs.csv"))
	require.NoError(t, err)
	require.Equal(t, 1+2*(6+4)+2*(7+2), strings.Count(string(csv), "\n"), "a head, and the runs of two seeds")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Regexp(t, `(?s)^before\n<!-- lab:goals -->\n\| goal .*\n<!-- /lab:goals -->\nafter\n$`, string(text))

	// The last line was cut short, as by a kill.
	state, err := os.ReadFile(file("state"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file("state"), state[:len(state)-10], 0o600))
	again := plimsoll(t.Context(), args...)
	require.Equal(t, first, again)
	resumed, err := os.ReadFile(file("runs.csv"))
	require.NoError(t, err)
	require.Equal(t, string(csv), string(resumed))
	lines, err := os.ReadFile(file("state"))
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(state), "\n"), strings.Count(string(lines), "\n"))

	for name, text := range map[string]string{
		":1: this is no file of plimsoll lab --resume": "x\n",
		"was written by another build":                 `{"plimsoll_lab":"00"}` + "\n",
		":2: not a result":                             strings.SplitN(string(state), "\n", 2)[0] + "\n{}\n",
	} {
		require.NoError(t, os.WriteFile(file("state"), []byte(text), 0o600))
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitFailure, got.code)
		require.Contains(t, got.stderr, name)
		require.Empty(t, got.stdout)
	}
}

// Continuous integration runs the gate, by the tables that make lab renews.
func TestQualityGatesIntegration(t *testing.T) {
	const root = "../../../../"
	script, err := os.ReadFile(root + ".ci/run")
	require.NoError(t, err)
	require.Contains(t, string(script), "make quality\n")
	makefile, err := os.ReadFile(root + "Makefile")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^quality:.*\n\t.* lab --quick --gate --known docs/QUALITY\.md >/dev/null$`, string(makefile))
	page, err := os.ReadFile(root + "docs/QUALITY.md")
	require.NoError(t, err)
	for _, set := range []string{"", "full:"} {
		known, err := report.ReadRecorded(page, set)
		require.NoError(t, err)
		require.NotEmpty(t, known)
		require.Less(t, len(known), 30, "most goals are not recorded as missed")
	}
}

// The gate fails where a goal is missed, unless the table of a file records that it is. A file
// whose table --markdown replaces is compared as it was before.
func TestLabGate(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("<!-- lab:goals -->\n<!-- /lab:goals -->\n"), 0o600))
	args := []string{"lab", "--quick", "--world", "wait-azure1", "--traffic", "crowd", "--gate"}
	got := plimsoll(t.Context(), append(args, "--known", page, "--markdown", page)...)
	require.Equal(t, cli.ExitFailure, got.code, "the table was empty: %s", got.stderr)
	require.Contains(t, got.stderr, "--markdown has replaced the table of "+page+", which records these goals as missed now")
	got = plimsoll(t.Context(), append(args, "--known", page, "--markdown", page)...)
	require.Equal(t, cli.ExitOK, got.code, "the table records the goal: %s", got.stderr)
	got = plimsoll(t.Context(), args...)
	require.Equal(t, cli.ExitFailure, got.code)
	require.Contains(t, got.stderr, "goals are missed:\ncalls wait up to 10 s, margin 1 %, wait-azure1: want ≤ 1, found ")
	require.NoError(t, os.WriteFile(page, []byte("no table\n"), 0o600))
	got = plimsoll(t.Context(), append(args, "--known", page)...)
	require.Equal(t, cli.ExitFailure, got.code)
	require.Contains(t, got.stderr, "lab: --known: "+page+": no table of goals")
	got = plimsoll(t.Context(), "lab", "--known", page)
	require.Equal(t, cli.ExitUsage, got.code)
	require.Contains(t, got.stderr, "--known says which goals --gate leaves out")
}

// What cannot be written is found before the run, which may take half an hour: here no run
// is kept.
func TestLabWritesNowhere(t *testing.T) {
	dir := t.TempDir()
	page, state := filepath.Join(dir, "page.md"), filepath.Join(dir, "state")
	require.NoError(t, os.WriteFile(page, []byte("no table\n"), 0o600))
	for want, args := range map[string][]string{
		"page.md: no table to replace":          {"--markdown", page},
		"absent.md: no such file":               {"--markdown", filepath.Join(dir, "absent.md")},
		"absent/x.csv: no such file or dir":     {"--csv", filepath.Join(dir, "absent", "x.csv")},
		"absent/x.html: no such file or dir":    {"--html", filepath.Join(dir, "absent", "x.html")},
		"lab: open " + dir + ": is a directory": {"--json", dir},
	} {
		got := plimsoll(t.Context(), append([]string{"lab", "--quick", "--world", "openai", "--traffic", "code", "--resume", state}, args...)...)
		require.Equal(t, cli.ExitFailure, got.code, args)
		require.Contains(t, got.stderr, want)
		require.NoFileExists(t, state)
	}
}

func TestLabFailures(t *testing.T) {
	empty := t.TempDir()
	for _, args := range [][]string{{"--traces", empty}, {"--traces", filepath.Join(empty, "absent")}} {
		got := plimsoll(t.Context(), append([]string{"lab", "--quick"}, args...)...)
		require.Equal(t, cli.ExitFailure, got.code)
		require.Contains(t, got.stderr, "lab: --traces: ")
	}
}

// A log is played at its own times: the operator's policy first, with a warning where it is
// refused as often as the log does not say.
func TestLabFromLog(t *testing.T) {
	dir := t.TempDir()
	log, file := filepath.Join(dir, "log.csv"), filepath.Join(dir, "config.yaml")
	var text strings.Builder
	text.WriteString("time,model,input_tokens,output_tokens,status,id\n")
	for i := range 300 {
		status := 200
		if i%3 == 0 {
			status = 429
		}
		fmt.Fprintf(&text, "%.1f,chat,%d,50,%d,r%d\n", 1769860800+float64(i)/2, 100+i, status, i)
	}
	require.NoError(t, os.WriteFile(log, []byte(text.String()), 0o600))
	require.NoError(t, os.WriteFile(file, []byte("deployments:\n- {id: a, group: chat, provider: openai, rpm: 500, tpm: 1000000}\n"), 0o600))
	got := plimsoll(t.Context(), "lab", "--from-log", log, "--config", file, "--operator", "round-robin")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "generic: 300 records, 0 skipped, 0 retries merged; model chat: 300 calls\n")
	require.Contains(t, got.stdout, "imputed: tokens of 100 calls")
	require.Contains(t, got.stdout, "calibration: round-robin is refused 0.0 times per 1000 calls in simulation, 333.3 in the log\nWARNING")
	require.Equal(t, got.stdout, plimsoll(t.Context(), "lab", "--from-log", log, "--config", file, "--operator", "round-robin").stdout)

	bare := filepath.Join(dir, "bare.csv")
	require.NoError(t, os.WriteFile(bare, []byte("time,model,status\n1769860800,chat,200\n1769860801,chat,429\n"), 0o600))
	for want, args := range map[string][]string{
		"no call of model chat was served with tokens":               {"--from-log", bare},
		"--model: the log has no model \"x\"; use one of chat":       {"--from-log", log, "--model", "x"},
		"has no group \"y\" with deployments; use one of chat":       {"--from-log", log, "--config", file, "--group", "y"},
		"--model applies to a log only; give one by --from-log FILE": {"--model", "chat"},
		"--from-log plays the log's own traffic":                     {"--from-log", log, "--quick"},
		"no such file":                                               {"--from-log", filepath.Join(dir, "none")},
	} {
		got := plimsoll(t.Context(), append([]string{"lab"}, args...)...)
		require.NotEqual(t, cli.ExitOK, got.code)
		require.Contains(t, got.stderr, want)
	}
}

// Where the simulated operator is refused as often as the log says, the figures have no
// warning; here the log is given the share that the simulation finds.
func TestLabFromLogCalibrated(t *testing.T) {
	dir := t.TempDir()
	log, file := filepath.Join(dir, "log.csv"), filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("deployments:\n- {id: a, group: chat, provider: openai, rpm: 60, tpm: 1000000}\n"), 0o600))
	const calls = 400
	play := func(refused int) string {
		text := "time,model,input_tokens,output_tokens,status,id\n"
		for i := range calls {
			status := 200
			if i >= calls-refused {
				status = 429
			}
			text += fmt.Sprintf("%.1f,chat,100,50,%d,r%d\n", 1769860800+float64(i)/2, status, i)
		}
		require.NoError(t, os.WriteFile(log, []byte(text), 0o600))
		got := plimsoll(t.Context(), "lab", "--from-log", log, "--config", file, "--operator", "random")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		return got.stdout
	}
	first := play(0)
	require.Contains(t, first, "WARNING", "calls at twice the limit, and none refused in the log")
	found := regexp.MustCompile(`refused ([0-9.]+) times per 1000 calls in simulation`).FindStringSubmatch(first)
	require.NotNil(t, found, first)
	rate, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	require.Greater(t, rate, 100.0)
	require.NotContains(t, play(int(rate*calls/1000)), "WARNING")
}
