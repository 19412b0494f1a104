package sdktest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
	"github.com/plimsoll-dev/plimsoll/window"
)

const group = "gpt-4o"

// one returns a transport before one provider.
func one(t *testing.T, p http.Handler, api transport.API, limits engine.Limits, clock *window.Clock) (*http.Client, *engine.Engine) {
	t.Helper()
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: group, Limits: limits}}, Clock: clock})
	require.NoError(t, err)
	rt, err := transport.New(transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{
		"a": {API: api, BaseURL: srv.URL, Credential: transport.Key("k")},
	}})
	require.NoError(t, err)
	t.Cleanup(rt.CloseIdleConnections)
	return &http.Client{Transport: rt}, eng
}

func openaiClient(c *http.Client, opts ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL("http://plimsoll.invalid/v1/"), option.WithHTTPClient(c), option.WithAPIKey("unused"),
	}, opts...)...)
}

func chatParams(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: group, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

func TestOpenAI(t *testing.T) {
	p := &fake.Provider{Key: "k"}
	c, eng := one(t, p, transport.OpenAI, engine.Limits{}, nil)
	client := openaiClient(c)
	ctx := t.Context()

	chat, err := client.Chat.Completions.New(ctx, chatParams("Hello. out=31"))
	require.NoError(t, err)
	require.EqualValues(t, 31, chat.Usage.CompletionTokens)

	stream := client.Chat.Completions.NewStreaming(ctx, chatParams("Hello. out=32"))
	text := ""
	for stream.Next() {
		chunk := stream.Current()
		require.Len(t, chunk.Choices, 1, "the chunk that only tells the usage is hidden")
		text += chunk.Choices[0].Delta.Content
	}
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
	require.Len(t, text, 33)

	asking := chatParams("Hello. out=33")
	asking.StreamOptions.IncludeUsage = openai.Bool(true)
	stream = client.Chat.Completions.NewStreaming(ctx, asking)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		acc.AddChunk(stream.Current())
	}
	require.NoError(t, stream.Err())
	require.EqualValues(t, 33, acc.Usage.CompletionTokens)

	resp, err := client.Responses.New(ctx, responses.ResponseNewParams{Model: group, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello. out=34")}})
	require.NoError(t, err)
	require.EqualValues(t, 34, resp.Usage.OutputTokens)

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

	s := eng.Stats()
	require.EqualValues(t, 6, s.Settled)
	require.Zero(t, s.Held)
	require.Equal(t, p.Input.Load()+p.Output.Load(), s.Tokens)
}

func TestAnthropic(t *testing.T) {
	p := &fake.Provider{Style: "anthropic", Key: "k"}
	c, eng := one(t, p, transport.Anthropic, engine.Limits{}, nil)
	client := anthropic.NewClient(anthropicoption.WithBaseURL("http://plimsoll.invalid/"), anthropicoption.WithHTTPClient(c), anthropicoption.WithAPIKey("unused"))
	params := anthropic.MessageNewParams{
		Model: group, MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello. out=41"))},
	}
	msg, err := client.Messages.New(t.Context(), params)
	require.NoError(t, err)
	require.EqualValues(t, 41, msg.Usage.OutputTokens)

	stream := client.Messages.NewStreaming(t.Context(), params)
	var acc anthropic.Message
	for stream.Next() {
		require.NoError(t, acc.Accumulate(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
	require.EqualValues(t, 41, acc.Usage.OutputTokens)

	s := eng.Stats()
	require.EqualValues(t, 2, s.Settled)
	require.Zero(t, s.Held)
	require.Equal(t, p.Input.Load()+p.Output.Load(), s.Tokens)
}

// morning is 0.3 s before the next minute.
var morning = time.Date(2025, 6, 2, 9, 45, 59, 700_000_000, time.UTC)

// A refusal of the engine makes the SDKs wait as long as it says, and then try
// again by themselves. The clock stands still until there is one.
func TestSDKsWaitAsTold(t *testing.T) {
	var refused atomic.Pointer[time.Time]
	clock := window.NewClockFrom(func() time.Time {
		if at := refused.Load(); at != nil {
			return morning.Add(time.Since(*at))
		}
		return morning
	})
	p := &fake.Provider{}
	c, _ := one(t, p, transport.OpenAI, engine.Limits{RPM: 1}, clock)
	next, waited := c.Transport, false
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil && resp.StatusCode == http.StatusTooManyRequests && refused.Load() == nil {
			require.Equal(t, "300", resp.Header.Get("Retry-After-Ms"))
			require.Equal(t, "1", resp.Header.Get("Retry-After"))
			now := time.Now()
			refused.Store(&now)
			waited = true
		}
		return resp, err
	})
	client := openaiClient(c)
	for range 2 {
		_, err := client.Chat.Completions.New(t.Context(), chatParams("Hello"))
		require.NoError(t, err)
	}
	require.True(t, waited)
	require.EqualValues(t, 2, p.Served.Load())
}

// What will never fit is not tried again, and the SDKs' error types say why.
func TestSDKErrors(t *testing.T) {
	tries := 0
	count := func(c *http.Client) *http.Client {
		next := c.Transport
		return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			tries++
			return next.RoundTrip(r)
		})}
	}
	c, eng := one(t, &fake.Provider{}, transport.OpenAI, engine.Limits{TPM: 5}, nil)
	client := openaiClient(count(c))
	_, err := client.Chat.Completions.New(t.Context(), chatParams("Hello"))
	var oe *openai.Error
	require.True(t, errors.As(err, &oe))
	require.Equal(t, http.StatusTooManyRequests, oe.StatusCode)
	require.Equal(t, "rate_limit_exceeded", oe.Code)
	require.Equal(t, 1, tries)

	params := chatParams("Hello")
	params.Model = "nobody"
	_, err = client.Chat.Completions.New(t.Context(), params)
	require.True(t, errors.As(err, &oe))
	require.Equal(t, "model_not_found", oe.Code)
	require.Equal(t, 2, tries)
	require.Zero(t, eng.Stats().Admitted)

	c, _ = one(t, &fake.Provider{}, transport.Anthropic, engine.Limits{TPM: 5}, nil)
	messages := anthropic.NewClient(anthropicoption.WithBaseURL("http://plimsoll.invalid/"), anthropicoption.WithHTTPClient(count(c)), anthropicoption.WithAPIKey("unused"))
	_, err = messages.Messages.New(t.Context(), anthropic.MessageNewParams{
		Model: group, MaxTokens: 100, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello"))},
	})
	var ae *anthropic.Error
	require.True(t, errors.As(err, &ae))
	require.Equal(t, http.StatusTooManyRequests, ae.StatusCode)
	require.Contains(t, ae.RawJSON(), "rate_limit_error")
	require.Equal(t, 3, tries)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
