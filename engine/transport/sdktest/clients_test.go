package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startFake starts a plimsoll fake and returns its URL.
func startFake(t *testing.T, accounts ...string) string {
	t.Helper()
	args := []string{"fake", "--listen", "127.0.0.1:0", "--latency", "50ms"}
	for _, a := range accounts {
		args = append(args, "--account", a)
	}
	cmd := exec.Command(build(t), args...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { return listening.MatchString(out.String()) }, 30*time.Second, 10*time.Millisecond)
	return listening.FindString(out.String())
}

// atRest fails if a call is still counted as under way.
func (d *daemon) atRest(t *testing.T) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var states struct {
			Deployments []struct {
				ID       string `json:"id"`
				InFlight int64  `json:"in_flight"`
				Held     int64  `json:"held_tokens"`
			} `json:"deployments"`
		}
		require.NoError(c, json.Unmarshal([]byte(d.get(t, "/v1/deployments")), &states))
		require.Len(c, states.Deployments, 3)
		for _, s := range states.Deployments {
			require.Zero(c, s.InFlight, s.ID)
			require.Zero(c, s.Held, s.ID)
		}
	}, 20*time.Second, 50*time.Millisecond)
}

// What developers see who point their SDK at a daemon, and what the daemon has counted.
func TestClients(t *testing.T) {
	t.Parallel()
	fake := startFake(t, "main=openai,rpm=10000,tpm=10000000", "claude=anthropic,rpm=10000,input_tpm=10000000,output_tpm=10000000", "burst=bucket,rpm=66")
	d := startDaemon(t, fmt.Sprintf(`deployments:
- {id: main, group: gpt-4o, model: openai/gpt-4o-a, rpm: 10000, tpm: 10000000, endpoint: {url: "%[1]s/main/v1", key: sk-account-a-0123456789}}
- {id: claude, group: sonnet, model: anthropic/claude-sonnet-4-5, rpm: 10000, tpm: 10000000, endpoint: {url: "%[1]s/claude", key: sk-account-b-0123456789, objects: true}}
- {id: burst, group: burst, model: openai/gpt-4o-b, rpm: 60, profile: bucket, endpoint: {url: "%[1]s/burst/v1", key: sk-account-c-0123456789}}
`, fake))
	client := openai.NewClient(option.WithBaseURL(d.url+"/openai/v1/"), option.WithAPIKey(d.token))
	messages := anthropic.NewClient(anthropicoption.WithBaseURL(d.url+"/anthropic/"), anthropicoption.WithAPIKey(d.token)).Messages
	t.Run("tools and structured output", func(t *testing.T) { tools(t, client) })
	t.Run("a chain of responses", func(t *testing.T) { chain(t, client) })
	t.Run("messages", func(t *testing.T) { message(t, messages) })
	t.Run("batches of messages", func(t *testing.T) { batches(t, messages) })

	// Every token that the provider reported is in the daemon's books.
	d.atRest(t)
	counts := func() map[string]struct{ Served, Refused, Input, Output int64 } {
		resp, err := http.Get(fake + "/counts")
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		var found map[string]struct{ Served, Refused, Input, Output int64 }
		require.NoError(t, json.Unmarshal(text, &found))
		return found
	}
	var want int64
	for _, c := range counts() {
		want += c.Input + c.Output
	}
	require.Positive(t, want)
	require.Contains(t, d.get(t, "/metrics"), fmt.Sprintf("\nplimsoll_tokens_total %d\n", want))

	t.Run("aborts and timeouts", func(t *testing.T) { aborts(t, client, messages) })
	t.Run("a burst beyond the limit", func(t *testing.T) { burst(t, client) })
	d.atRest(t)
	require.Zero(t, counts()["burst"].Refused, "the daemon refuses before the provider does")
}

var schema = map[string]any{"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}, "required": []string{"n"}, "additionalProperties": false}

func tools(t *testing.T, client openai.Client) {
	t.Helper()
	params := chatParams("Hello")
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather", Parameters: schema})}
	chat, err := client.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, "weather", chat.Choices[0].Message.ToolCalls[0].Function.Name)
	require.Equal(t, "tool_calls", chat.Choices[0].FinishReason)

	params = chatParams("Hello")
	params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "answer", Schema: schema, Strict: openai.Bool(true)}}
	chat, err = client.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	var answer struct{ N *int }
	require.NoError(t, json.Unmarshal([]byte(chat.Choices[0].Message.Content), &answer))
	require.NotNil(t, answer.N)
}

func chain(t *testing.T, client openai.Client) {
	t.Helper()
	ask := responses.ResponseNewParams{Model: group, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello. out=7")}}
	for range 4 {
		resp, err := client.Responses.New(t.Context(), ask)
		require.NoError(t, err)
		require.Len(t, strings.Fields(resp.OutputText()), 7)
		ask.PreviousResponseID = openai.String(resp.ID)
	}
	last := ask.PreviousResponseID.Value
	got, err := client.Responses.Get(t.Context(), last, responses.ResponseGetParams{})
	require.NoError(t, err)
	require.Equal(t, last, got.ID)
	require.NoError(t, client.Responses.Delete(t.Context(), last))
	for _, id := range []string{last, "resp_of_another_account"} {
		_, err = client.Responses.Get(t.Context(), id, responses.ResponseGetParams{})
		var oe *openai.Error
		require.True(t, errors.As(err, &oe), "%v", err)
		require.Equal(t, http.StatusNotFound, oe.StatusCode)
	}
}

func claudeParams(text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{Model: "sonnet", MaxTokens: 500, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))}}
}

func message(t *testing.T, messages anthropic.MessageService) {
	t.Helper()
	params := claudeParams("Hello")
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "weather", InputSchema: anthropic.ToolInputSchemaParam{Properties: schema["properties"]}}}}
	msg, err := messages.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, anthropic.StopReasonToolUse, msg.StopReason)
	require.Equal(t, "weather", msg.Content[0].Name)
	counted, err := messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: "sonnet", Messages: params.Messages})
	require.NoError(t, err)
	require.Positive(t, counted.InputTokens)
}

func batches(t *testing.T, messages anthropic.MessageService) {
	t.Helper()
	params := anthropic.MessageBatchNewParamsRequestParams{Model: "sonnet", MaxTokens: 9, Messages: claudeParams("Hello").Messages}
	made, err := messages.Batches.New(t.Context(), anthropic.MessageBatchNewParams{Requests: []anthropic.MessageBatchNewParamsRequest{{CustomID: "one", Params: params}, {CustomID: "two", Params: params}}})
	require.NoError(t, err)
	lines := messages.Batches.ResultsStreaming(t.Context(), made.ID, anthropic.MessageBatchResultsParams{})
	var names []string
	for lines.Next() {
		names = append(names, lines.Current().CustomID)
	}
	require.NoError(t, lines.Err())
	require.Equal(t, []string{"one", "two"}, names)
}

// aborts gives calls up before and after their first byte.
func aborts(t *testing.T, client openai.Client, messages anthropic.MessageService) {
	t.Helper()
	for range 5 {
		stream := client.Chat.Completions.NewStreaming(t.Context(), chatParams("Hello. out=400"))
		require.True(t, stream.Next())
		require.NoError(t, stream.Close())
		events := messages.NewStreaming(t.Context(), claudeParams("Hello. out=400"))
		require.True(t, events.Next())
		require.NoError(t, events.Close())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := client.Chat.Completions.New(ctx, chatParams("Hello"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = client.Chat.Completions.New(t.Context(), chatParams("Hello"), option.WithRequestTimeout(10*time.Millisecond), option.WithMaxRetries(1))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// burst asks for a little more than the limit holds: the SDK's own retries serve the rest.
func burst(t *testing.T, client openai.Client) {
	t.Helper()
	var wg sync.WaitGroup
	for range 62 {
		wg.Go(func() {
			params := chatParams("Hello")
			params.Model = "burst"
			_, err := client.Chat.Completions.New(t.Context(), params, option.WithMaxRetries(3))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
}
