package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

func adjusting(f func(*transport.Admission) error) change {
	return change{edit: func(c *transport.Config) {
		c.Adjust = func(_ *http.Request, a *transport.Admission) error { return f(a) }
	}}
}

// A program can replace members of a body, and remove those of its own.
func TestAdjustBody(t *testing.T) {
	p := &fake.Provider{}
	b := newBench(t, adjusting(func(a *transport.Admission) error {
		require.Equal(t, "chat", a.Group)
		require.Equal(t, "resp_outer", a.Text("previous_response_id"))
		require.Equal(t, `["eu"]`, string(a.Member("tags")))
		require.Nil(t, a.Member("priority"))
		a.SetMember("previous_response_id", json.RawMessage(`"resp_inner"`))
		a.SetMember("tags", nil)
		a.SetMember("priority", nil)
		a.SetMember("model", json.RawMessage(`"other"`))
		a.SetMember("user", json.RawMessage(`{`))
		return nil
	}), p)
	resp, text := b.post(t, "/responses", `{"model":"chat","tags":["eu"],"input":"x","previous_response_id":"resp_outer"}`)
	require.Equal(t, 200, resp.StatusCode, text)
	_, sent := p.Last()
	require.JSONEq(t, `{"model":"model-a","input":"x","previous_response_id":"resp_inner"}`, string(sent))
	b.atRest(t)
}

// A pinned request goes to its deployment alone, within its limits.
func TestAdjustPins(t *testing.T) {
	only := "b"
	ch := adjusting(func(a *transport.Admission) error { a.Deployment = only; return nil })
	ch.limits = engine.Limits{RPM: 1}
	b := newBench(t, ch, answers(200, "{}"), answers(200, "{}"))
	resp, _ := b.post(t, "/responses", `{"model":"chat"}`)
	require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
	resp, text := b.post(t, "/responses", `{"model":"chat"}`)
	require.Equal(t, 429, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	require.Contains(t, text, "Only the deployment that holds")
	only = "elsewhere"
	resp, text = b.post(t, "/responses", `{"model":"chat"}`)
	require.Equal(t, 404, resp.StatusCode, text)
	b.atRest(t)

	b = newBench(t, adjusting(func(a *transport.Admission) error { a.Deployment = "a"; return nil }), answers(503, ""), answers(200, "{}"))
	resp, _ = b.post(t, "/responses", `{"model":"chat"}`)
	require.Equal(t, 503, resp.StatusCode, "no other deployment holds it")
	require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
	b.atRest(t)
}

func TestAdjustRefuses(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		want   string
	}{
		{&transport.Refusal{Status: 404, Code: "gone", Param: "previous_response_id", Message: "no such response"}, 404, `{"error":{"message":"no such response","type":"invalid_request_error","param":"previous_response_id","code":"gone"}}`},
		{&transport.Refusal{Status: 503, Message: "later"}, 503, `{"error":{"message":"later","type":"api_error","param":null,"code":null}}`},
		{errors.New("odd"), 500, `{"error":{"message":"the request cannot be admitted: odd","type":"api_error","param":null,"code":null}}`},
	} {
		p := &fake.Provider{}
		b := newBench(t, adjusting(func(*transport.Admission) error { return tt.err }), p)
		resp, text := b.post(t, "/chat/completions", `{"model":"chat"}`)
		require.Equal(t, tt.status, resp.StatusCode)
		require.JSONEq(t, tt.want, text)
		require.Zero(t, p.Served.Load())
		require.Zero(t, b.eng.Stats().Admitted)
	}
}

// A request may wait for headroom, as long as it says and its context lasts.
func TestAdjustWaits(t *testing.T) {
	draining, drain := context.WithCancel(t.Context())
	wait := time.Minute
	ch := adjusting(func(a *transport.Admission) error {
		a.Wait, a.Waiting = wait, draining
		return nil
	})
	ch.limits = engine.Limits{MaxInFlight: 1}
	release := make(chan struct{})
	b := newBench(t, ch, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		_, _ = w.Write([]byte(`{"usage":{"prompt_tokens":1,"completion_tokens":1}}`))
	}))
	done := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", `{"model":"chat"}`))
			if err != nil {
				t.Error(err)
				done <- 0
				return
			}
			_ = resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	require.Eventually(t, func() bool { return b.eng.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	wait = time.Millisecond
	resp, _ := b.post(t, "/chat/completions", `{"model":"chat"}`)
	require.Equal(t, 429, resp.StatusCode, "its time is over")
	release <- struct{}{}
	require.Equal(t, 200, <-done)
	release <- struct{}{}
	require.Equal(t, 200, <-done)

	wait = time.Minute
	go func() {
		resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", `{"model":"chat"}`))
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- 0
	}()
	require.Eventually(t, func() bool { return b.eng.Stats().Held == 1 }, 10*time.Second, time.Millisecond)
	go func() {
		for b.eng.Stats().Waiting == 0 {
			time.Sleep(time.Millisecond)
		}
		drain()
	}()
	resp, _ = b.post(t, "/chat/completions", `{"model":"chat"}`)
	require.Equal(t, 429, resp.StatusCode, "the wait was ended")
	release <- struct{}{}
	<-done
	b.atRest(t)
}
