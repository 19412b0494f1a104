package valkeystore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

func TestOpenRefuses(t *testing.T) {
	const word = "hunter2"
	for _, tt := range []struct{ name, url, want string }{
		{"empty", "", "begin it with"},
		{"other scheme", "http://h:6379", "begin it with"},
		{"no scheme", word + "@h:6379", "not a URL"},
		{"scheme and nothing", "valkey:" + word, "not a URL"},
		{"no host", "valkey:///0", "no host"},
		{"password not escaped", "valkey://u:" + word + "/x@h:6379", "escaped"},
		{"bad port", "valkey://u:" + word + "@h:port", "not a URL"},
		{"bad escape", "valkey://u:" + word + "%zz@h", "not a URL"},
		{"database", "valkey://h/" + word, "number of a database"},
		{"negative database", "valkey://h/-1", "number of a database"},
		{"unknown option", "valkey://h?retries=3", `no option "retries"`},
		{"cluster", "valkey://h?cluster=perhaps", "option cluster"},
		{"timeout", "valkey://h?dial_timeout=0s", "option dial_timeout"},
		{"several", "valkey://h?addr=h2:1", "several servers"},
		{"cluster and sentinel", "valkey://h?cluster=true&master_set=m", "either"},
		{"cluster database", "valkey://h/3?cluster=true", "database 0"},
		{"sentinel user", "valkey://h?sentinel_user=x", "master_set"},
		{"no such file", "valkey://h?password_file=/does/not/exist", "password: open"},
		{"no such variable", "valkey://h?password_env=PLIMSOLL_TEST_NONE", "PLIMSOLL_TEST_NONE"},
		{"two passwords", "valkey://:" + word + "@h?password_file=/dev/null", "one place"},
		{"TLS option", "valkey://h?tls_ca=/dev/null", "valkeys://"},
		{"authority", "valkeys://h?tls_ca=/dev/null", "no certificate"},
		{"certificate", "valkeys://h?tls_cert=/dev/null", "tls_key"},
		{"query", "valkey://h?a=%zz", "options"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := valkeystore.Open(tt.url, valkeystore.Config{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), word) {
				t.Errorf("error = %v holds the password", err)
			}
		})
	}
}

func TestOpenTakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLIMSOLL_TEST_PASSWORD", "secret")
	for _, url := range []string{
		"valkey://h", "redis://h:1", "valkeys://u:p%2Fw@h/2", "rediss://[::1]:7", "valkey://:p@h",
		"valkey://h?password_file=" + file, "valkey://h?password_env=PLIMSOLL_TEST_PASSWORD&dial_timeout=500ms",
		"valkey://a:1?cluster=true&addr=b:2&addr=c:3",
		"valkey://s1?addr=s2&master_set=m&sentinel_user=u&sentinel_password_file=" + file,
	} {
		s, err := valkeystore.Open(url, valkeystore.Config{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		s.Close() // nothing was ever connected
	}
}

func TestConfigRefuses(t *testing.T) {
	model := func(string) string { return "m" }
	for _, tt := range []struct {
		name, url, want string
		cfg             valkeystore.Config
	}{
		{"namespace", "valkey://h", "Namespace", valkeystore.Config{Namespace: "a}b"}},
		{"buckets", "valkey://h", "Buckets -1", valkeystore.Config{Buckets: -1}},
		{"format", "valkey://h", "KeyFormat", valkeystore.Config{KeyFormat: "other"}},
		{"model", "valkey://h", "Model", valkeystore.Config{Model: model}},
		{"TTL", "valkey://h", "TTL", valkeystore.Config{TTL: time.Minute}},
		{"litellm without model", "valkey://h", "Model", valkeystore.Config{KeyFormat: valkeystore.FormatLiteLLM}},
		{"litellm in part seconds", "valkey://h", "whole seconds", valkeystore.Config{KeyFormat: valkeystore.FormatLiteLLM, Model: model, TTL: 1500 * time.Millisecond}},
		{"litellm in buckets", "valkey://h", "one bucket", valkeystore.Config{KeyFormat: valkeystore.FormatLiteLLM, Model: model, Buckets: 2}},
		{"litellm on a cluster", "valkey://h?cluster=true", "cluster", valkeystore.Config{KeyFormat: valkeystore.FormatLiteLLM, Model: model}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := valkeystore.Open(tt.url, tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}
