package fake_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/fake"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

func post(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(text)
}

// Every account refuses by its rule, in its provider's words, and counts what it
// serves.
func TestAccounts(t *testing.T) {
	noon := time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
	for _, name := range fake.RuleNames() {
		s, err := fake.New(fake.Config{Accounts: []fake.Account{{Name: "a", Rule: name, Limits: rule.Limits{RPM: 6}}}, Now: func() time.Time { return noon }})
		require.NoError(t, err)
		srv := httptest.NewServer(s)
		defer srv.Close()
		refused := 0
		for range 8 {
			resp, text := post(t, srv.URL+"/a/v1/chat/completions", `{"model":"m","messages":[],"max_tokens":5}`)
			if resp.StatusCode != 200 {
				refused++
				require.GreaterOrEqual(t, resp.StatusCode, 429, text)
			}
		}
		r, _ := rule.Named(name)
		require.Equal(t, !r.Unlimited, refused > 0, name)
		require.EqualValues(t, 8-refused, s.Counts()["a"].Served, name)
		require.EqualValues(t, 5*(8-refused), s.Counts()["a"].Output, name)
	}
}

// With windows of 5 s every wait that an account names, in headers or in words, is a twelfth,
// and a call that comes after it is served.
func TestWindow(t *testing.T) {
	for _, name := range fake.RuleNames() {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
			s, err := fake.New(fake.Config{Accounts: []fake.Account{{Name: "a", Rule: name, Limits: rule.Limits{RPM: 6}}}, Now: func() time.Time { return now }, Window: 5 * time.Second})
			require.NoError(t, err)
			srv := httptest.NewServer(s)
			defer srv.Close()
			const body = `{"model":"m","messages":[],"max_tokens":5}`
			for range 8 {
				resp, text := post(t, srv.URL+"/a/v1/chat/completions", body)
				if resp.StatusCode == 200 {
					continue
				}
				resp.Header.Del("Date") // of another clock
				signal := provider.Read(provider.Answer{Status: resp.StatusCode, Header: resp.Header.Get, Body: []byte(text), At: now})
				require.LessOrEqual(t, signal.RetryAfter, 6*time.Second, "%v %s", resp.Header, text)
				if signal.RetryAfter > 0 {
					now = now.Add(signal.RetryAfter + time.Second/12) // Gemini names whole seconds, rounded down
				} else {
					now = now.Add(5 * time.Second)
				}
				resp, text = post(t, srv.URL+"/a/v1/chat/completions", body)
				require.Equal(t, 200, resp.StatusCode, text)
			}
		})
	}
	_, err := fake.New(fake.Config{Window: time.Hour})
	require.ErrorContains(t, err, "want a time from 1s to 1m")
}

// Responses are known to the account that made them.
func TestResponsesBelongToAnAccount(t *testing.T) {
	s, err := fake.New(fake.Config{})
	require.NoError(t, err)
	srv := httptest.NewServer(s)
	defer srv.Close()
	var made struct{ ID string }
	_, text := post(t, srv.URL+"/openai/v1/responses", `{"model":"m","input":"x"}`)
	require.NoError(t, json.Unmarshal([]byte(text), &made))
	next := fmt.Sprintf(`{"model":"m","input":"x","previous_response_id":%q}`, made.ID)
	resp, _ := post(t, srv.URL+"/openai/v1/responses", next)
	require.Equal(t, 200, resp.StatusCode)
	resp, text = post(t, srv.URL+"/azure-east/openai/v1/responses", next)
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, text, "previous_response_not_found")
}

// Streams end as the APIs say, with the usage that was asked for.
func TestStreams(t *testing.T) {
	s, err := fake.New(fake.Config{})
	require.NoError(t, err)
	srv := httptest.NewServer(s)
	defer srv.Close()
	for path, want := range map[string]string{
		"/openai/v1/chat/completions": "data: [DONE]", "/openai/v1/responses": "response.completed", "/anthropic/v1/messages": "message_stop",
	} {
		_, text := post(t, srv.URL+path, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"out=30"}],"input":"out=30"}`)
		require.Contains(t, text, want)
		require.Contains(t, text, `:30`)
		for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "[DONE]" {
				require.True(t, json.Valid([]byte(data)), data)
			}
		}
	}
}

func TestParseAccount(t *testing.T) {
	a, err := fake.ParseAccount("main=openai,rpm=60,tpm=3000")
	require.NoError(t, err)
	require.Equal(t, fake.Account{Name: "main", Rule: "openai", Limits: rule.Limits{RPM: 60, TPM: 3000}}, a)
	for text, want := range map[string]string{"main": "want NAME=RULE", "=openai": "want NAME=RULE", "a/b=openai": "want NAME=RULE", "a=nobody": "no rule is named", "a=openai,rpm=x": `limit "rpm=x"`, "a=openai,qps=1": `limit "qps=1"`} {
		_, err := fake.ParseAccount(text)
		require.ErrorContains(t, err, want)
	}
	_, err = fake.New(fake.Config{Accounts: []fake.Account{{Name: "a", Rule: "openai"}, {Name: "a", Rule: "openai"}}})
	require.ErrorContains(t, err, "stands twice")
}

func TestDemoConfig(t *testing.T) {
	f, err := config.Parse("demo.yaml", fake.DemoConfig("127.0.0.1:1"), config.Options{})
	require.NoError(t, err)
	require.Empty(t, f.Warnings)
	require.Len(t, f.Endpoints, 6)
}
