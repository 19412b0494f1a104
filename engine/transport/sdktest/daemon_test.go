package sdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// output may be written and read at once.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// daemon is a plimsoll serve in a process of its own.
type daemon struct {
	url, token string
	out        output
}

var listening = regexp.MustCompile(`http://[0-9.:]+`)

// programs is where the command is built, once for all tests.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "plimsoll"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

var once = sync.OnceValues(func() ([]byte, error) {
	build := exec.Command("go", "build", "-o", programs, "./cmd/plimsoll")
	build.Dir = "../../.."
	build.Env = append(os.Environ(), "GOWORK=") // the command is built in the workspace, this test is not
	return build.CombinedOutput()
})

// build returns the path of the command.
func build(t *testing.T) string {
	t.Helper()
	text, err := once()
	require.NoError(t, err, string(text))
	return filepath.Join(programs, "plimsoll")
}

func startDaemon(t *testing.T, config string) *daemon {
	t.Helper()
	dir, program := t.TempDir(), build(t)
	d := &daemon{}
	var line, token bytes.Buffer
	mint := exec.CommandContext(t.Context(), program, "token", "sdk")
	mint.Stdout, mint.Stderr = &line, &token
	require.NoError(t, mint.Run())
	d.token = strings.TrimSpace(token.String())
	file, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	require.NoError(t, os.WriteFile(tokens, line.Bytes(), 0o600))

	cmd := exec.Command(program, "serve", "--config", file, "--tokens", tokens, "--listen", "127.0.0.1:0", "--lame-duck", "0s", "--log", "debug")
	cmd.Stdout, cmd.Stderr = &d.out, &d.out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, <-ended, d.out.String())
	})
	require.Eventually(t, func() bool { return strings.Contains(d.out.String(), "Anthropic") }, 30*time.Second, 10*time.Millisecond, d.out.String())
	d.url = listening.FindString(d.out.String())
	return d
}

// get returns what a page of the daemon says.
func (d *daemon) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+d.token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	return string(text)
}

// The SDKs work on a daemon by another base URL and key.
func TestDaemon(t *testing.T) {
	t.Parallel()
	full, main := &fake.Provider{Key: "sk-full-hunter2", Limits: &rule.Limits{TPM: -1, RPM: -1}}, &fake.Provider{Key: "sk-main-hunter2"}
	claude := &fake.Provider{Style: "anthropic", Key: "sk-claude-hunter2"}
	var urls []string
	for _, p := range []*fake.Provider{full, main, claude} {
		srv := httptest.NewServer(p)
		t.Cleanup(srv.Close)
		urls = append(urls, srv.URL)
	}
	d := startDaemon(t, fmt.Sprintf(`deployments:
- {id: full, group: gpt-4o, model: openai/gpt-4o-a, rpm: 1000, tpm: 1000000, endpoint: {url: "%s/v1", key: sk-full-hunter2}}
- {id: main, group: gpt-4o, model: openai/gpt-4o-b, rpm: 1000, tpm: 1000000, order: 1, endpoint: {url: "%s/v1", key: sk-main-hunter2}}
- {id: claude, group: sonnet, model: anthropic/claude-sonnet-4-5, rpm: 1000, tpm: 1000000, endpoint: {url: "%s", key: sk-claude-hunter2}}
- {id: tiny, group: tiny, model: openai/gpt-4o-c, tpm: 5, endpoint: {url: "%s/v1", key: k}}
aliases: {smart: gpt-4o}
`, urls[0], urls[1], urls[2], urls[1]))
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < 25*time.Second { // counts are of one minute
		<-time.After(left)
	}
	ctx := t.Context()
	client := openai.NewClient(option.WithBaseURL(d.url+"/openai/v1/"), option.WithAPIKey(d.token))

	// The first deployment refuses, so the second one answers.
	var raw *http.Response
	chat, err := client.Chat.Completions.New(ctx, chatParams("Hello. out=31"), option.WithResponseInto(&raw))
	require.NoError(t, err)
	require.EqualValues(t, 31, chat.Usage.CompletionTokens)
	require.Equal(t, "main", raw.Header.Get("X-Plimsoll-Deployment"))
	require.Equal(t, "2", raw.Header.Get("X-Plimsoll-Attempts"))
	require.Equal(t, "2000000", raw.Header.Get("X-Ratelimit-Limit-Tokens"), "the group's")
	require.EqualValues(t, 1, full.Refused.Load())

	params := chatParams("Hello. out=32")
	params.Model = "smart"
	stream := client.Chat.Completions.NewStreaming(ctx, params)
	text := ""
	for stream.Next() {
		require.Len(t, stream.Current().Choices, 1, "the chunk that only tells the usage is hidden")
		text += stream.Current().Choices[0].Delta.Content
	}
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
	require.Len(t, text, 33)

	events := client.Responses.NewStreaming(ctx, responses.ResponseNewParams{Model: group, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello. out=35")}})
	last := ""
	for events.Next() {
		last = events.Current().Type
	}
	require.NoError(t, events.Err())
	require.Equal(t, "response.completed", last)

	emb, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: group, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}}})
	require.NoError(t, err)
	require.Len(t, emb.Data, 1)

	models, err := client.Models.List(ctx)
	require.NoError(t, err)
	var names []string
	for _, m := range models.Data {
		names = append(names, m.ID)
	}
	require.Equal(t, []string{"gpt-4o", "smart", "sonnet", "tiny"}, names)

	messages := anthropic.NewClient(anthropicoption.WithBaseURL(d.url+"/anthropic/"), anthropicoption.WithAPIKey(d.token))
	ask := anthropic.MessageNewParams{
		Model: "sonnet", MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello. out=41"))},
	}
	msg, err := messages.Messages.New(ctx, ask)
	require.NoError(t, err)
	require.EqualValues(t, 41, msg.Usage.OutputTokens)
	streamed := messages.Messages.NewStreaming(ctx, ask)
	var acc anthropic.Message
	for streamed.Next() {
		require.NoError(t, acc.Accumulate(streamed.Current()))
	}
	require.NoError(t, streamed.Err())
	require.NoError(t, streamed.Close())
	require.EqualValues(t, 41, acc.Usage.OutputTokens)

	// What cannot be done is told in the SDKs' own errors.
	for model, want := range map[string]struct {
		status int
		code   string
	}{"nobody": {404, "model_not_found"}, "tiny": {429, "rate_limit_exceeded"}} {
		params := chatParams("Hello")
		params.Model = model
		_, err = client.Chat.Completions.New(ctx, params)
		var oe *openai.Error
		require.True(t, errors.As(err, &oe), "%v", err)
		require.Equal(t, want.status, oe.StatusCode)
		require.Equal(t, want.code, oe.Code)
	}
	stranger := openai.NewClient(option.WithBaseURL(d.url+"/openai/v1/"), option.WithAPIKey("stranger"))
	_, err = stranger.Chat.Completions.New(ctx, chatParams("Hello"))
	var oe *openai.Error
	require.True(t, errors.As(err, &oe))
	require.Equal(t, http.StatusUnauthorized, oe.StatusCode)
	ask.Model = "nobody"
	_, err = messages.Messages.New(ctx, ask)
	var ae *anthropic.Error
	require.True(t, errors.As(err, &ae))
	require.Equal(t, http.StatusNotFound, ae.StatusCode)
	require.Contains(t, ae.RawJSON(), "not_found_error")

	// Every token is in the daemon's books.
	want := main.Input.Load() + main.Output.Load() + claude.Input.Load() + claude.Output.Load()
	require.Contains(t, d.get(t, "/metrics"), fmt.Sprintf("\nplimsoll_tokens_total %d\n", want))
	require.Contains(t, d.get(t, "/metrics"), `plimsoll_proxy_request_duration_seconds_count{route="/anthropic/v1/messages"} 3`)
	var states struct {
		Deployments []struct {
			ID       string `json:"id"`
			Tokens   int64  `json:"tokens"`
			InFlight int64  `json:"in_flight"`
		} `json:"deployments"`
	}
	require.NoError(t, json.Unmarshal([]byte(d.get(t, "/v1/deployments")), &states))
	used := map[string]int64{"tiny": 0, "main": main.Input.Load() + main.Output.Load(), "claude": claude.Input.Load() + claude.Output.Load()}
	require.Len(t, states.Deployments, 4)
	for _, s := range states.Deployments {
		require.Zero(t, s.InFlight, s.ID)
		if s.ID != "full" { // whose provider has said that it is
			require.Equal(t, used[s.ID], s.Tokens, s.ID)
		}
	}
	require.Contains(t, d.out.String(), "msg=attempt")
	for _, secret := range []string{"hunter2", d.token, "stranger"} {
		require.NotContains(t, d.out.String(), secret)
	}
}
