package transport_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// Whatever clients do, and whatever providers do to them, every lease ends once,
// with what the hook received.
func TestManyAtOnce(t *testing.T) {
	const callers, calls = 64, 30
	ok := &fake.Provider{}
	moody := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch rand.IntN(6) {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
		case 1:
			w.Header().Set("Retry-After-Ms", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			panic(http.ErrAbortHandler)
		default:
			ok.ServeHTTP(w, r)
		}
	})
	var attempts, tokens atomic.Int64
	b := newBench(t, change{edit: func(c *transport.Config) {
		c.Done = func(a transport.Attempt) {
			attempts.Add(1)
			switch a.Ending {
			case transport.Settled:
				tokens.Add(a.Usage.InputTokens + a.Usage.OutputTokens)
			case transport.Kept:
				tokens.Add(a.Reserved)
			case transport.Released:
			}
		}
	}}, moody, moody, ok)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				call(t, b)
			}
		})
	}
	wg.Wait()
	b.client.CloseIdleConnections()
	b.atRest(t)
	s := b.eng.Stats()
	// Where a context ended a call, the hook may run after the client has gone on.
	require.Eventually(t, func() bool { return attempts.Load() >= s.Admitted }, time.Minute, time.Millisecond)
	require.Equal(t, s.Admitted, attempts.Load())
	require.GreaterOrEqual(t, s.Admitted, int64(callers*calls))
	require.Equal(t, s.Tokens, tokens.Load())
}

// call reads an answer to its end, or closes or cancels it at some point.
func call(t *testing.T, b *bench) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := plainChat
	if rand.IntN(2) == 0 {
		body = streamedChat
	}
	resp, err := b.client.Do(request(ctx, t, "/chat/completions", body))
	if err != nil {
		return
	}
	switch rand.IntN(4) {
	case 0:
		_, _ = io.CopyN(io.Discard, resp.Body, rand.Int64N(300))
	case 1:
		go cancel()
		_, _ = io.Copy(io.Discard, resp.Body)
	default:
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	_ = resp.Body.Close()
}

// A program can say more about a request than its body does.
func TestAdjust(t *testing.T) {
	var deployments []engine.Ref
	b := newBench(t, change{edit: func(c *transport.Config) {
		ref, err := c.Engine.Ref("a")
		require.NoError(t, err)
		deployments = append(deployments, ref)
		c.Adjust = func(r *http.Request, a *transport.Admission) error {
			if r.Header.Get("X-Not-A") != "" {
				a.Demand.Exclude = deployments
			}
			a.Demand.InputTokens += 1000
			return nil
		}
	}}, &fake.Provider{}, &fake.Provider{})
	r := request(t.Context(), t, "/embeddings", `{"model":"chat","input":"x"}`)
	r.Header.Set("X-Not-A", "yes")
	resp, _ := b.send(t, r)
	require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
	require.EqualValues(t, 1001, b.attempts()[0].Reserved)
}
