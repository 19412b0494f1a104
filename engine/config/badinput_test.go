package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// What is no configuration at all.
func TestNotAConfiguration(t *testing.T) {
	utf16le := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("deployments: []")) {
		utf16le = append(utf16le, byte(u), byte(u>>8))
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml: is empty; a configuration has at least a list of deployments"},
		{"comments", "# nothing\n# here\n", "f.yaml: is empty"},
		{"null", "~", "f.yaml: is empty"},
		{"a text", "hello", "f.yaml:1: is a text; a configuration is a mapping, such as deployments: followed by a list"},
		{"a list", "- a\n- b\n", "f.yaml:1: is a list; a configuration is a mapping"},
		{"no deployments", "{}", "f.yaml:1: deployments: is missing; want a list of deployments"},
		{"empty deployments", "deployments: []", "f.yaml:1: deployments: is empty; want at least one of the deployments"},
		{"null deployments", "deployments:", "f.yaml:1: deployments: is missing"},
		{"empty model_list", "model_list: []", "f.yaml:1: model_list: is empty"},
		{"tab", "deployments:\n\t- id: a\n", "f.yaml:2: is not YAML: the line is indented with a tab; use spaces"},
		{"tab further down", "deployments:\n  - id: a\n  \tgroup: b\n", "f.yaml:3: is not YAML: the line is indented with a tab; use spaces"},
		{"indentation", "deployments:\n  - id: a\n   group: b\n", "f.yaml:3: is not YAML: "},
		{"bracket", "deployments: [{id: a, group: b}\nstrategy: x\n", "is not YAML: did not find expected"},
		{"two colons", "a: b: c", "is not YAML: mapping values are not allowed in this context"},
		{"unknown alias", "deployments: *nobody", "is not YAML: an alias (*name) refers to no anchor (&name) before it"},
		{"cyclic alias", "deployments: &a [*a]", "f.yaml:1: the anchor here is used inside itself"},
		{"cyclic merge", "a: &a\n  <<: *a\n", "f.yaml:1: the anchor here is used inside itself"},
		{"two documents", "deployments: []\n---\ndeployments: []\n", "f.yaml:2: a second document begins here (after ---)"},
		{"broken second document", "deployments: []\n---\n{\n", "is not YAML"},
		{"a bad number", "a: 0b_", "f.yaml:1: this looks like a number but is none; quote it if it is a text"},
		{"a bad date", "a:\n  b: 2024-02-30", "f.yaml:2: this looks like a date but is none; quote it if it is a text"},
		{"tags", "a: !!binary aGk=", "f.yaml:1: there is a tag (!name) here that is not read"},
		{"tagged list", "a: !!set [b]", "f.yaml:1: there is a tag (!name) here that is not read"},
		{"zero byte", "a: b\nc: \x00", "f.yaml:2: holds the control character 0x00; it should be a text in UTF-8"},
		{"a program", "\x7fELF\x02\x01\x01", "f.yaml:1: holds the control character 0x7f"},
		{"a picture", "\x89PNG\r\n", "f.yaml:1: holds the byte 0x89, which is not UTF-8"},
		{"Latin-1", "a: b\nb: caf\xe9\n", "f.yaml:2: holds the byte 0xe9, which is not UTF-8"},
		{"UTF-16", string(utf16le), "f.yaml: is in UTF-16; save it as UTF-8"},
		{"deep", strings.Repeat("[", 70) + strings.Repeat("]", 70), "f.yaml:1: lists and mappings are nested more than 64 deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parse(tt.text)
			require.Nil(t, f)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestNotJSON(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", " \n", "f.json: is empty"},
		{"YAML", "deployments:\n- id: a\n", "f.json:1: is not JSON: invalid character"},
		{"cut", "{\n\"deployments\": [\n", "f.json:3: is not JSON: it ends too early"},
		{"comma", "{\n\"a\": 1,\n}", "f.json:3: is not JSON: invalid character '}'"},
		{"more", "{\"a\": 1}\n{}", "f.json:2: is not JSON: there is more after the end of the value"},
		{"twice", "{\"deployments\": [{\"id\": \"a\", \"group\": \"g\"}],\n\"strategy\": \"weighted\",\n\"strategy\": \"weighted\"}", "f.json:3: strategy: is in this mapping already, on line 2"},
		{"deep", strings.Repeat("[", 1<<20), "f.json:1: lists and mappings are nested more than 64 deep"},
		{"a long number", `{"a": ` + strings.Repeat("9", 5000) + "}", "f.json:1: the number is longer than 4300 digits"},
		{"a list", "[]", "f.json:1: is a list; a configuration is a mapping"},
		{"null", "null", "f.json: is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("f.json", []byte(tt.text), environ(nil))
			require.Nil(t, f)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestByteOrderMark(t *testing.T) {
	f := mustParse(t, "\xef\xbb\xbfdeployments: [{id: a, group: g}]\r\n")
	require.Len(t, f.Engine.Deployments, 1)
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	t.Setenv("PLIMSOLL_TEST_RPM", "12")
	good := file("good.yaml", "deployments: [{id: a, group: g, rpm: os.environ/PLIMSOLL_TEST_RPM}]")
	f, err := config.Load(good, config.Options{})
	require.NoError(t, err)
	require.Equal(t, int64(12), f.Engine.Deployments[0].Limits.RPM)

	large := file("large.yaml", "")
	require.NoError(t, os.Truncate(large, 1<<30)) // a gigabyte, of which no byte is read
	for _, tt := range []struct{ name, path, want string }{
		{"absent", filepath.Join(dir, "absent.yaml"), "absent.yaml: no such file or directory"},
		{"directory", dir, ": is a directory; name the file in it"},
		{"large", large, "large.yaml: has 1073741824 bytes; at most 16777216 (16 MiB) are read"},
		{"bad", file("bad.yaml", "a"), "bad.yaml:1: is a text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(tt.path, config.Options{})
			require.ErrorContains(t, err, tt.want)
		})
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		_, err := config.Load("/dev/zero", config.Options{})
		require.ErrorContains(t, err, "/dev/zero: has more than 16777216 bytes (16 MiB); they are not read")
	}
}

// Files made to take long, or much memory, take neither. The bounds are far
// above what they take (a second, some hundred megabytes) and far below what
// reading them naively would, which no test's time is enough for.
func TestWorkIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads large files")
	}
	var bomb strings.Builder
	bomb.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c < 'z'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ","))
	}
	var merges strings.Builder
	merges.WriteString("base: &b {")
	for i := range 1000 {
		fmt.Fprintf(&merges, "k%d: 1, ", i)
	}
	merges.WriteString("z: 1}\nlist:\n" + strings.Repeat("- {<<: *b}\n", 20_000))
	hashed := "model_list:\n- {model_name: g, litellm_params: &p {model: m, x: " + strings.Repeat("y", 1<<19) + "}}\n"
	var unknown strings.Builder
	unknown.WriteString("deployments: [{id: a, group: g, rpm: x}]\n")
	for i := range 1000 {
		hashed += fmt.Sprintf("- {model_name: g%d, litellm_params: *p}\n", i)
		for j := range 100 {
			fmt.Fprintf(&unknown, "deployment%d: 1\n", 100*i+j)
		}
	}
	many := "deployments:\n" + strings.Repeat("- {id: a, group: g}\n", 100_000)
	for _, tt := range []struct{ name, text, want string }{
		{"alias bomb", bomb.String(), "aliases and merge keys make more than 2000000 items of this file"},
		{"merge bomb", merges.String(), "aliases and merge keys make more than 2000000 items of this file"},
		{"hashing bomb", hashed, "the ids of this file are made of more than 67108864 bytes"},
		{"deployments", many, fmt.Sprintf("f.yaml:2: deployments: has 100000 deployments; an engine takes at most %d", engine.MaxDeployments)},
		{"items", "a: [" + strings.Repeat("a,", 2_000_000) + "]", "lines, commas, colons, dashes and brackets; at most 1500000 are read"},
		{"unknown keys", unknown.String(), "deployments[0].rpm"},
		{"directives", strings.Repeat("%TAG !a! tag:x,2000:\n", 200_000), "has 200000 %TAG directives; at most 100 are read"},
		{"brackets", strings.Repeat("[", 1_000_000), "is not YAML: exceeded max depth"},
		{"bytes", "a: " + strings.Repeat("x", config.MaxBytes), "has more than 16777216 bytes"},
		{"line", "a: " + strings.Repeat("x", config.MaxBytes-3), "deployments: is missing"},
		{"digits", "a: " + strings.Repeat("9", config.MaxBytes-3), "the number is longer than 4300 digits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := parse(tt.text)
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, tt.want)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<30))
		})
	}
}
