package transport_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// gate holds a stream open until the test lets go.
type gate struct {
	send    string
	abort   bool
	release chan struct{}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, g.send)
	_ = http.NewResponseController(w).Flush()
	if g.abort {
		panic(http.ErrAbortHandler)
	}
	select {
	case <-g.release:
	case <-r.Context().Done():
	}
}

var (
	threePieces = strings.Repeat(`data: {"choices":[{"delta":{"content":"x"}}],"usage":null}`+"\n\n", 3)
	halfMessage = "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":33,\"output_tokens\":1}}}\n\n" +
		strings.Repeat("event: content_block_delta\ndata: {\"delta\":{\"text\":\"x\"}}\n\n", 4)
)

// A stream that is cut half way is settled with what was seen of it.
func TestStreamCutHalfWay(t *testing.T) {
	const estimated = 9 // plainChat's prompt, see TestEstimates
	tests := []struct {
		name, path, send string
		api              transport.API
		want             engine.Usage // zero: the reservation stands
	}{
		{name: "chat", path: "/chat/completions", send: threePieces, want: engine.Usage{InputTokens: -1, OutputTokens: 3}},
		{name: "message", path: "/messages", send: halfMessage, api: transport.Anthropic, want: engine.Usage{InputTokens: 33, OutputTokens: 4}},
		{name: "nothing seen", path: "/chat/completions", send: ": hello\n\n"},
	}
	ways := map[string]func(context.CancelFunc, *http.Response) error{
		"the client closes":  func(_ context.CancelFunc, r *http.Response) error { return r.Body.Close() },
		"the context ends":   func(cancel context.CancelFunc, _ *http.Response) error { cancel(); return nil },
		"the provider stops": nil,
	}
	for _, tt := range tests {
		for way, stop := range ways {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				g := &gate{send: tt.send, abort: stop == nil, release: make(chan struct{})}
				defer close(g.release)
				ended := make(chan transport.Attempt, 1)
				b := newBench(t, change{api: tt.api, edit: func(c *transport.Config) {
					c.Done = func(a transport.Attempt) { ended <- a }
					c.HoldTime = time.Millisecond // no content will come
				}}, g)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				resp, err := b.client.Do(request(ctx, t, tt.path, streamedChat))
				if tt.name == "nothing seen" && stop == nil {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client need not be sent half an answer")
					require.Equal(t, transport.Kept, (<-ended).Ending)
					return
				}
				require.NoError(t, err)
				_, err = io.ReadFull(resp.Body, make([]byte, len(tt.send)))
				require.NoError(t, err)
				if stop == nil {
					_, err = io.ReadAll(resp.Body)
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				} else {
					require.NoError(t, stop(cancel, resp))
				}
				got := <-ended
				require.False(t, got.Reported)
				require.NoError(t, resp.Body.Close())
				switch {
				case tt.want == engine.Usage{}:
					require.Equal(t, transport.Kept, got.Ending)
					require.Equal(t, got.Reserved, b.state(t, "a").Limit(engine.LimitTPM).Used)
				case tt.want.InputTokens < 0:
					tt.want.InputTokens = got.Usage.InputTokens
					require.InDelta(t, estimated, got.Usage.InputTokens, 5)
					fallthrough
				default:
					require.Equal(t, transport.Settled, got.Ending)
					require.Equal(t, tt.want, got.Usage)
					require.Equal(t, tt.want.InputTokens+tt.want.OutputTokens, b.state(t, "a").Limit(engine.LimitTPM).Used)
				}
				if way == "the context ends" {
					require.ErrorIs(t, got.Err, context.Canceled)
				}
				b.atRest(t)
			})
		}
	}
}

// While a stream runs past its reservation the engine is kept up to date.
func TestLongStreamIsCountedAsItRuns(t *testing.T) {
	const n = 400 // 256 are assumed
	send := strings.Repeat(`data: {"choices":[{"delta":{"content":"x"}}]}`+"\n\n", n)
	g := &gate{send: send, release: make(chan struct{})}
	defer close(g.release)
	b := newBench(t, change{}, g)
	resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", streamedChat))
	require.NoError(t, err)
	_, err = io.ReadFull(resp.Body, make([]byte, len(send)))
	require.NoError(t, err)
	used := b.state(t, "a").Limit(engine.LimitTPM).Used
	require.Greater(t, used, int64(n-20))
	require.NoError(t, resp.Body.Close())
	require.Equal(t, b.attempts()[0].Usage, engine.Usage{InputTokens: b.attempts()[0].Usage.InputTokens, OutputTokens: n})
}

// A request that is given up before there is an answer keeps its reservation.
func TestCancelBeforeTheAnswer(t *testing.T) {
	arrived := make(chan struct{})
	slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	b := newBench(t, change{}, slow, &fake.Provider{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	resp, err := b.client.Do(request(ctx, t, "/chat/completions", plainChat))
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, b.attempts(), 1, "no other deployment is tried")
	require.Equal(t, transport.Kept, b.attempts()[0].Ending)
	b.atRest(t)
}
