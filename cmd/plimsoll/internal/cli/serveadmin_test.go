package cli_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
)

// text gets a page as a person or Prometheus does.
func (s *served) text(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	return string(text)
}

func TestServePageAndMetrics(t *testing.T) {
	s := serve(t)
	status, _ := s.ask(t, "/v1/acquire", `{"group":"gpt-4o","input_tokens":900}`)
	require.Equal(t, http.StatusOK, status)
	html := s.text(t, s.url+"/")
	require.Contains(t, html, "The built-in example")
	require.Contains(t, html, "<h2>gpt-4o</h2>")
	figures := s.text(t, s.url+"/metrics")
	for _, want := range []string{
		"plimsoll_requests_admitted_total 1\n", "plimsoll_leases 1\n",
		`plimsoll_http_request_duration_seconds_count{route="/v1/acquire"} 1` + "\n", "go_goroutines ",
		"plimsoll_http_leases 1\n", "plimsoll_http_leases_expired_total 0\n",
	} {
		require.Contains(t, figures, want)
	}
	for _, file := range []string{"REFERENCE.md", "OPERATIONS.md", "monitoring/alerts.yaml", "monitoring/dashboard.json"} {
		text, err := os.ReadFile("../../../../docs/" + file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`plimsoll_http_[a-z_]*[a-z]`).FindAllString(string(text), -1) {
			require.Contains(t, figures, "# TYPE "+strings.TrimSuffix(name, "_bucket")+" ", file)
		}
	}

	// A viewer does not hold up the end.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/page/events", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(line, "data: "), line)
	require.Equal(t, cli.ExitOK, s.stop())
}

// Names may hold what should not be seen.
func TestServeHidesSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "litellm.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-4o, api_key: sk-hunter2hunter2, rpm: 10}
    model_info: {id: mine-sk-hunter2hunter2}
`), 0o600))
	s := serve(t, "--config", path)
	for _, path := range []string{"/", "/metrics"} {
		text := s.text(t, s.url+path)
		require.Contains(t, text, "mine-(hidden)")
		require.NotContains(t, text, "hunter2")
	}
}
