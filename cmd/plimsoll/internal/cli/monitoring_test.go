package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

const monitoring = "../../../../docs/monitoring/"

// prometheusTool returns the path of one of Prometheus's programs.
func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("PLIMSOLL_NO_PROMETHEUS") != "" {
		t.Skip("PLIMSOLL_NO_PROMETHEUS is set")
	}
	path, err := exec.LookPath(name)
	require.NoError(t, err, "run .ci/install-prometheus, or set PLIMSOLL_NO_PROMETHEUS=1")
	return path
}

// The alerts fire when they should, and not otherwise.
func TestAlertRules(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), prometheusTool(t, "promtool"), "test", "rules", monitoring+"alerts_test.yaml").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "SUCCESS")
}

// What the daemon counts by itself is what the alerts and the dashboard ask for.
func TestAlertsNameMetrics(t *testing.T) {
	s := serve(t)
	s.ask(t, "/v1/acquire", `{"group":"gpt-4o"}`) // a histogram begins with its first request
	figures := s.text(t, s.url+"/metrics")
	found := 0
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		text, err := os.ReadFile(monitoring + file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`plimsoll_(?:http|group|config|token)_[a-z_]*[a-z]`).FindAllString(string(text), -1) {
			found++
			require.True(t, strings.Contains(figures, "# TYPE "+strings.TrimSuffix(name, "_bucket")+" "), "%s: %s", file, name)
		}
	}
	require.Greater(t, found, 5)
}

// A real Prometheus takes the rules and the daemon's metrics.
func TestPrometheusScrapes(t *testing.T) {
	program := prometheusTool(t, "prometheus")
	s := serve(t)
	s.ask(t, "/v1/acquire", `{"group":"gpt-4o","input_tokens":900}`)
	dir := t.TempDir()
	rules, err := filepath.Abs(monitoring + "alerts.yaml")
	require.NoError(t, err)
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
- job_name: plimsoll
  static_configs: [{targets: [%q]}]
`, rules, strings.TrimPrefix(s.url, "http://")), 0o600))
	address := fmt.Sprintf("127.0.0.1:%d", servertest.FreePort(t))
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+dir, "--web.listen-address="+address, "--log.level=error")
	var log screen
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	query := func(q string) int {
		resp, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(q))
		if err != nil {
			return 0
		}
		defer func() { _ = resp.Body.Close() }()
		var got struct{ Data struct{ Result []any } }
		if json.NewDecoder(resp.Body).Decode(&got) != nil {
			return 0
		}
		return len(got.Data.Result)
	}
	servertest.Until(t, "the group is known to Prometheus", func() bool {
		return query(`plimsoll_group_requests_total{outcome="admitted"} > 0`) == 1
	})
	require.Equal(t, 7, query(`plimsoll_deployment_enabled`))
	require.Equal(t, 1, query(`plimsoll_config_last_reload_successful == 1`))
	require.Zero(t, query(`ALERTS`), log.String())
}
