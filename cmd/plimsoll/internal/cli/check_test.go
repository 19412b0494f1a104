package cli_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

var update = flag.Bool("update", false, "write testdata/*.golden again")

// checkGolden compares what a command printed with a file in testdata.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// Every testdata/check-*.yaml is a file that check is run on, as a table and as
// JSON; the environment has what they ask for.
func TestCheckOutput(t *testing.T) {
	for name, value := range map[string]string{
		"PLIMSOLL_TEST_KEY": "sk-planted-env", "PLIMSOLL_TEST_HOST": "planted-host", "PLIMSOLL_TEST_PW": "planted-password",
		"PLIMSOLL_TEST_GROUP": "planted-group", "PLIMSOLL_TEST_URL": "https://planted.example/llm/",
	} {
		t.Setenv(name, value)
	}
	files, err := filepath.Glob("testdata/check-*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var all strings.Builder
			for _, args := range [][]string{{"check", path}, {"check", "--json", path}} {
				got := plimsoll(t.Context(), args...)
				fmt.Fprintf(&all, "$ plimsoll %s\n%s%s(exit code %d)\n", strings.Join(args, " "), got.stdout, got.stderr, got.code)
				if len(args) == 3 {
					require.True(t, json.Valid([]byte(got.stdout)))
				}
				want := cli.ExitOK
				if strings.Contains(path, "check-bad") {
					want = cli.ExitFailure
				}
				require.Equal(t, want, got.code)
			}
			require.NotRegexp(t, "(?i)planted", all.String())
			checkGolden(t, strings.TrimSuffix(filepath.Base(path), ".yaml")+".golden", all.String())
		})
	}
}

// The documents show what check prints for the files they show.
func TestCheckTranscripts(t *testing.T) {
	transcript := regexp.MustCompile(`(?m)^    \$ plimsoll check (\S+)\n((?:(?:    .*)?\n)+)`)
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, doc := range []string{"../../../../docs/CONFIG.md", "../../../../docs/LITELLM.md"} {
		text, err := os.ReadFile(doc)
		require.NoError(t, err)
		shown, file := transcript.FindSubmatch(text), example.FindSubmatch(text)
		require.NotNil(t, shown)
		require.NotNil(t, file)
		t.Run(filepath.Base(doc), func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("VALKEY_URL", "valkey://localhost:6379")
			t.Setenv("REDIS_HOST", "localhost")
			t.Setenv("EAST_KEY", "a-secret")
			t.Setenv("WEST_KEY", "b-secret")
			t.Setenv("OPENAI_KEY", "c-secret")
			require.NoError(t, os.WriteFile(string(shown[1]), file[1], 0o600))
			got := plimsoll(t.Context(), "check", string(shown[1]))
			require.Empty(t, got.stderr)
			want := regexp.MustCompile(`(?m)^    `).ReplaceAllString(string(shown[2]), "")
			require.Equal(t, strings.TrimSpace(want), strings.TrimSpace(got.stdout))
		})
	}
}

// --profiles goes before what a file says about deployments that say nothing.
func TestCheckProfiles(t *testing.T) {
	t.Setenv("PLIMSOLL_TEST_KEY", "sk-planted-env")
	t.Setenv("PLIMSOLL_TEST_URL", "https://planted.example/llm/")
	const file = "testdata/check-profiles.yaml"
	for flag, want := range map[string][]string{
		"":      {"openai", "azure, changed", "azure", "groq", "bucket", "bedrock", "plain", "plain, changed"},
		"auto":  {"openai", "azure, changed", "azure", "groq", "bucket", "bedrock", "plain", "plain, changed"},
		"plain": {"plain", "azure, changed", "plain", "groq", "plain", "plain", "plain", "plain, changed"},
	} {
		args := []string{"check", "--json", file}
		if flag != "" {
			args = append(args, "--profiles", flag)
		}
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		var view struct {
			Deployments []struct {
				Profile struct {
					Preset  string
					Changed bool
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &view))
		var names []string
		for _, d := range view.Deployments {
			name := d.Profile.Preset
			if d.Profile.Changed {
				name += ", changed"
			}
			names = append(names, name)
		}
		require.Equal(t, want, names, flag)
	}
	got := plimsoll(t.Context(), "check", "--profiles", "auto", "testdata/check-limits.yaml")
	require.Contains(t, got.stdout, "bucket")
}

func TestCheckUsage(t *testing.T) {
	const more = "Run 'plimsoll check --help' for usage.\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "plimsoll: check: no file given; name the configuration to check\n"},
		{[]string{""}, "plimsoll: check: no file given; name the configuration to check\n"},
		{[]string{"a", "b"}, "plimsoll: check: unexpected argument \"b\"; one file is checked at a time\n"},
		{[]string{"--jsn", "a"}, "plimsoll: check: unknown flag --jsn; use one of --convert, --json, --output, --profiles, --strict\n"},
		{[]string{"--profiles", "yes", "a"}, "plimsoll: check: invalid value \"yes\" for flag --profiles: want auto or plain\n"},
		{[]string{"--json=maybe", "a"}, "plimsoll: check: invalid value \"maybe\" for flag --json: want true or false\n"},
	} {
		require.Equal(t, result{cli.ExitUsage, "", tt.want + more}, plimsoll(t.Context(), append([]string{"check"}, tt.args...)...))
	}
	for _, args := range [][]string{{"help", "check"}, {"check", "-h"}, {"check", "a", "--help"}} {
		got := plimsoll(t.Context(), args...)
		require.Equal(t, cli.ExitOK, got.code)
		require.True(t, strings.HasPrefix(got.stdout, "Usage: plimsoll check [flags] FILE\n"), got.stdout)
	}
}

// --json may stand behind the file too.
func TestCheckFlagBehindFile(t *testing.T) {
	got := plimsoll(t.Context(), "check", "testdata/check-own.yaml", "--json")
	require.Equal(t, cli.ExitOK, got.code)
	require.True(t, json.Valid([]byte(got.stdout)))
}

func TestCheckMissingFile(t *testing.T) {
	got := plimsoll(t.Context(), "check", "testdata/absent.yaml")
	require.Equal(t, result{cli.ExitFailure, "", "plimsoll: check: testdata/absent.yaml cannot be used: 1 error\n\n  testdata/absent.yaml: no such file or directory\n"}, got)
}

// A store that serve cannot open is warned of, without its password.
func TestCheckLooksAtTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	for address, want := range map[string]string{
		"valkey://:hunter2@h:6379":                         "",
		"valkey://:hunter2@h:6379?pasword_file=x":          `store: serve cannot use it, unless --sync names another: valkeystore: address: no option "pasword_file"`,
		"valkey://h:6379?password_file=/does/not/exist":    "store: serve cannot use it, unless --sync names another: valkeystore: address: password: open /does/not/exist",
		"valkey://:hunter2@h:6379?password_file=/dev/null": "store: serve cannot use it, unless --sync names another: valkeystore: address: the password comes from more than one place",
	} {
		write(t, path, "deployments: [{id: a, group: g}]\nstore: {url: '"+address+"'}\n")
		got := plimsoll(t.Context(), "check", path)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.NotContains(t, got.stdout, "hunter2")
		require.Contains(t, got.stdout, want)
		require.Equal(t, want == "", !strings.Contains(got.stdout, "Warnings"), got.stdout)
	}
}

func TestVersion(t *testing.T) {
	got := plimsoll(t.Context(), "version")
	require.Equal(t, cli.ExitOK, got.code)
	require.Regexp(t, `^plimsoll \S`, got.stdout)
	require.Empty(t, got.stderr)
	require.Equal(t, plimsoll(t.Context(), "version", "--help"), plimsoll(t.Context(), "help", "version"))
	require.Equal(t, result{cli.ExitUsage, "", "plimsoll: version: unexpected argument \"x\"\nRun 'plimsoll version --help' for usage.\n"}, plimsoll(t.Context(), "version", "x"))
}
