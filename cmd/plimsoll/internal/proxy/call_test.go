package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func TestCallsGoThrough(t *testing.T) {
	var got *http.Request
	var sent []byte
	provider := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		sent, _ = io.ReadAll(r.Body)
		answers(200, plain, "Content-Type", "application/json", "X-Request-Id", "theirs", "Openai-Processing-Ms", "7",
			"X-Ratelimit-Remaining-Tokens", "5", "Set-Cookie", "__cf_bm=1", "Openai-Organization", "org-1", "Connection", "X-Hop", "X-Hop", "1",
			"Strict-Transport-Security", "max-age=1", "Access-Control-Allow-Origin", "*").ServeHTTP(w, r)
	})
	b := newBench(t, change{limits: engine.Limits{RPM: 100, TPM: 10_000}, aliases: map[string]string{"gpt": "chat"}}, provider)
	resp, text := b.post(t, chatPath, strings.Replace(chat, `"chat"`, `"gpt"`, 1), "Te", "trailers", "X-Api-Key", "client-key", "Openai-Beta", "x", "X-Request-Id", "mine")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, plain, text)
	require.Equal(t, "/v1/chat/completions", got.URL.Path)
	require.JSONEq(t, strings.Replace(chat, `"chat"`, `"m-a"`, 1), string(sent))
	require.Equal(t, "Bearer "+secret, got.Header.Get("Authorization"))
	require.Equal(t, "x", got.Header.Get("Openai-Beta"))
	require.Empty(t, got.Header.Get("X-Api-Key"))
	require.Empty(t, got.Header.Get("Te"))

	want := map[string]string{
		"Content-Type": "application/json", "Openai-Processing-Ms": "7",
		"X-Plimsoll-Group": "chat", "X-Plimsoll-Deployment": "a", "X-Plimsoll-Attempts": "1",
		"X-Request-Id": "mine", "X-Plimsoll-Provider-Request-Id": "theirs",
		"X-Ratelimit-Limit-Requests": "100", "X-Ratelimit-Limit-Tokens": "10000", "X-Ratelimit-Remaining-Requests": "99",
		"Set-Cookie": "", "Openai-Organization": "", "X-Hop": "", "Strict-Transport-Security": "", "Access-Control-Allow-Origin": "",
	}
	for name, value := range want {
		require.Equal(t, value, resp.Header.Get(name), name)
	}
	require.NotEmpty(t, resp.Header.Get("X-Ratelimit-Remaining-Tokens"))
	require.EqualValues(t, 12+34, b.settled(t))
	require.Contains(t, b.log.String(), "msg=attempt request_id=mine group=chat deployment=a attempt=1 status=200")
}

// An event reaches the client before the next one exists, for longer than other
// answers may take.
func TestStreamsAreFlushed(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", h2), func(t *testing.T) {
			next := make(chan struct{})
			b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				for range 4 {
					_, _ = io.WriteString(w, chunk)
					_ = http.NewResponseController(w).Flush()
					<-next
				}
				_, _ = io.WriteString(w, last)
			}))
			var protocols http.Protocols
			protocols.SetHTTP1(!h2)
			protocols.SetUnencryptedHTTP2(h2)
			client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
			defer client.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+chatPath, strings.NewReader(stream))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(r)
			require.NoError(t, err)
			require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
			lines := bufio.NewReader(resp.Body)
			for i := range 4 {
				for _, want := range []string{strings.TrimSuffix(chunk, "\n"), "\n"} {
					line, err := lines.ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, want, line)
				}
				if i == 1 { // longer than the server's limits
					<-time.After(700 * time.Millisecond)
				}
				next <- struct{}{}
			}
			rest, err := io.ReadAll(lines)
			require.NoError(t, err)
			require.Contains(t, string(rest), "[DONE]")
			require.NoError(t, resp.Body.Close())
			require.EqualValues(t, 12+34, b.settled(t))
		})
	}
}

// A client that goes ends the call at the provider, and what was seen is settled.
func TestClientGoes(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprint("before the answer ", early), func(t *testing.T) {
			arrived, gone := make(chan struct{}), make(chan struct{})
			b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if !early {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = io.WriteString(w, chunk+chunk)
					_ = http.NewResponseController(w).Flush()
				}
				close(arrived)
				<-r.Context().Done()
				close(gone)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+chatPath, strings.NewReader(stream))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			if early {
				go func() {
					<-arrived
					cancel()
				}()
			}
			resp, err := http.DefaultClient.Do(r)
			if !early {
				require.NoError(t, err)
				_, err = io.ReadFull(resp.Body, make([]byte, 2*len(chunk)))
				require.NoError(t, err)
				cancel()
				_ = resp.Body.Close()
			} else if err == nil {
				_ = resp.Body.Close()
			}
			<-gone
			tokens := b.settled(t)
			require.Positive(t, tokens)
			if !early {
				require.Less(t, tokens, int64(30), "the estimated input and two pieces, not the reservation")
			}
		})
	}
}

func TestNextDeploymentAnswers(t *testing.T) {
	b := newBench(t, change{}, answers(429, `{"error":{"code":"rate_limit_exceeded"}}`, "Retry-After", "7"), answers(200, plain, "Content-Type", "application/json"))
	resp, text := b.post(t, chatPath, chat)
	require.Equal(t, plain, text)
	require.Equal(t, "b", resp.Header.Get("X-Plimsoll-Deployment"))
	require.Equal(t, "2", resp.Header.Get("X-Plimsoll-Attempts"))
	require.EqualValues(t, 12+34, b.settled(t))
}

// An answer that breaks off is seen to.
func TestAnswerBreaksOff(t *testing.T) {
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+chatPath, strings.NewReader(stream))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, resp.Body.Close())
	b.settled(t)
}
