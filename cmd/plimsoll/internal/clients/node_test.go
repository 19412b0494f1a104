package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/fake"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// full has all tests run, those that wait for limits too.
var full = os.Getenv("PLIMSOLL_CLIENTS") != ""

// bench is a proxy before a fake provider.
type bench struct {
	url  string
	fake *fake.Server
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{}
	var err error
	b.fake, err = fake.New(fake.Config{Window: 5 * time.Second, Accounts: []fake.Account{
		{Name: "a", Rule: "openai", Limits: rule.Limits{RPM: 10_000, TPM: 10_000_000}},
		{Name: "b", Rule: "openai", Limits: rule.Limits{RPM: 10_000, TPM: 10_000_000}},
		{Name: "claude", Rule: "anthropic", Limits: rule.Limits{RPM: 10_000, InputTPM: 10_000_000, OutputTPM: 10_000_000}},
		// A little more than the daemon allows: headers have whole numbers, rounded down,
		// which would take the last request away.
		{Name: "burst", Rule: "bucket", Limits: rule.Limits{RPM: 66}},
		{Name: "quick", Rule: "gemini", Limits: rule.Limits{RPM: 20}},
	}})
	require.NoError(t, err)
	srv := httptest.NewServer(b.fake)
	t.Cleanup(srv.Close)
	config := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `deployments:
- {id: a, group: gpt-4o, model: openai/gpt-4o-a, rpm: 10000, tpm: 10000000, endpoint: {url: "%[1]s/a/v1", key: sk-account-a-0123456789}}
- {id: b, group: gpt-4o, model: openai/gpt-4o-b, rpm: 10000, tpm: 10000000, endpoint: {url: "%[1]s/b/v1", key: sk-account-b-0123456789}}
- {id: claude, group: claude, model: anthropic/claude-sonnet-4-5, rpm: 10000, tpm: 10000000, endpoint: {url: "%[1]s/claude", key: sk-account-c-0123456789, objects: true}}
- {id: burst, group: burst, model: openai/gpt-4o-c, rpm: 60, profile: bucket, endpoint: {url: "%[1]s/burst/v1", key: sk-account-d-0123456789}}
- {id: quick, group: quick, model: openai/gpt-4o-e, endpoint: {url: "%[1]s/quick/v1", key: sk-account-e-0123456789}}
- {id: tiny, group: tiny, model: openai/gpt-4o-d, tpm: 5, endpoint: {url: "%[1]s/a/v1", key: sk-account-a-0123456789}}
aliases: {smart: gpt-4o}
`, srv.URL), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	b.url = "http://" + address
	ctx, cancel := context.WithCancel(context.Background())
	var out bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, []string{"serve", "--config", config, "--listen", address}, func(string) string { return "" }, &out, &out)
	}()
	t.Cleanup(func() {
		cancel()
		require.Zero(t, <-done)
		require.NotContains(t, out.String(), "sk-account")
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get(b.url + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	return b
}

func (b *bench) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(b.url + path)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(text)
}

var tokensTotal = regexp.MustCompile(`(?m)^plimsoll_tokens_total (\S+)$`)

// atRest fails if a call is still counted as under way.
func (b *bench) atRest(t *testing.T) {
	t.Helper()
	var states struct {
		Deployments []struct {
			ID         string `json:"id"`
			InFlight   int64  `json:"in_flight"`
			HeldTokens int64  `json:"held_tokens"`
		} `json:"deployments"`
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.NoError(c, json.Unmarshal([]byte(b.get(t, "/v1/deployments")), &states))
		for _, s := range states.Deployments {
			require.Zero(c, s.InFlight, s.ID)
			require.Zero(c, s.HeldTokens, s.ID)
		}
	}, 10*time.Second, 50*time.Millisecond)
}

// tokens are those that the daemon has counted in all.
func (b *bench) tokens(t *testing.T) int64 {
	t.Helper()
	found := tokensTotal.FindStringSubmatch(b.get(t, "/metrics"))
	require.NotNil(t, found)
	n, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	return int64(n)
}

// install installs the clients, or skips the test with the reason where it cannot.
func install(t *testing.T) {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "../../../../.ci/install-clients").CombinedOutput()
	require.NoError(t, err, string(text))
	if _, err := os.Stat("node/node_modules/.package-lock.json"); err != nil {
		t.Skip(strings.TrimSpace(string(text)))
	}
}

// run runs a file of tests on Node.
func (b *bench) run(t *testing.T, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", file)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "PLIMSOLL_URL="+b.url, "PLIMSOLL_TOKEN=any")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	require.Contains(t, string(text), "fail 0")
	t.Log(strings.TrimSpace(string(text[max(0, len(text)-200):])))
}

// Clients work by another base URL, and every token that the provider reported is in
// the daemon's books.
func TestNode(t *testing.T) {
	install(t)
	b := start(t)
	b.run(t, "smoke.test.mjs")
	b.atRest(t)
	var want int64
	for _, c := range b.fake.Counts() {
		want += c.Input + c.Output
		require.Zero(t, c.Refused)
	}
	require.Equal(t, want, b.tokens(t))
}

// Clients that give up and bursts beyond the limits leave nothing counted as under way,
// and none is refused by the provider whose limits are configured.
func TestNodeUnderLoad(t *testing.T) {
	if !full {
		t.Skip("waits for limits; make clients runs it")
	}
	install(t)
	b := start(t)
	b.run(t, "load.test.mjs")
	b.atRest(t)
	counts := b.fake.Counts()
	require.Zero(t, counts["burst"].Refused)
	require.EqualValues(t, 30, counts["quick"].Served)
	require.Positive(t, counts["quick"].Refused, "nothing says what its limit is")
	require.Less(t, counts["quick"].Refused, int64(30))
}
