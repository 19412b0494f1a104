package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// later makes a request that may take long, and returns its answer when it is
// there.
func (s *service) later(ctx context.Context, path, body string) <-chan reply {
	answer := make(chan reply, 1)
	go func() {
		r := httptest.NewRequestWithContext(ctx, "POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		answer <- reply{w.Code, w.Header(), w.Body.String()}
	}()
	return answer
}

const oneAtATime = `{"group":"single","wait_ms":5000}`

func TestAcquireWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		first := post[fields](t, s, "/v1/acquire", oneAtATime, 200)["lease"].(string)
		begin := time.Now()
		answer := s.later(t.Context(), "/v1/acquire", oneAtATime)
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, s.engine.Stats().Waiting)
		post[fields](t, s, "/v1/settle", `{"lease":"`+first+`"}`, 200)
		got := <-answer
		require.Equal(t, 200, got.status, got.body)
		require.Contains(t, got.body, `"deployment":"one"`)
		require.Equal(t, 2*time.Second, time.Since(begin))
		require.EqualValues(t, []int64{1, 1}, []int64{s.LeaseStats().Held, s.engine.Stats().Held})
	})
}

// A wait that ends without headroom is answered as an acquire without one.
func TestAcquireWaitsInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		post[fields](t, s, "/v1/acquire", oneAtATime, 200)
		begin := time.Now()
		got := <-s.later(t.Context(), "/v1/acquire", oneAtATime)
		require.Equal(t, 429, got.status, got.body)
		require.Contains(t, got.body, `"limit":"in_flight"`)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.Equal(t, 5*time.Second, time.Since(begin))

		begin = time.Now()
		for body, status := range map[string]int{
			`{"group":"chat","input_tokens":9999,"wait_ms":5000}`: 413, `{"group":"idle","wait_ms":5000}`: 503,
			`{"group":"none","wait_ms":5000}`: 404, `{"group":"chat","tags":["x"],"wait_ms":5000}`: 422,
		} {
			require.Equal(t, status, (<-s.later(t.Context(), "/v1/acquire", body)).status, body)
		}
		require.Zero(t, time.Since(begin), "what never fits does not wait")
		require.EqualValues(t, 1, s.LeaseStats().Held)
	})
}

// A client that goes leaves the line, and takes nothing with it.
func TestWaitingClientGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		first := post[fields](t, s, "/v1/acquire", oneAtATime, 200)["lease"].(string)
		ctx, leave := context.WithCancel(t.Context())
		gone := s.later(ctx, "/v1/acquire", oneAtATime)
		synctest.Wait()
		stays := s.later(t.Context(), "/v1/acquire", oneAtATime)
		synctest.Wait()
		leave()
		require.Equal(t, 499, (<-gone).status)
		require.EqualValues(t, 1, s.engine.Stats().Waiting)
		post[fields](t, s, "/v1/release", `{"lease":"`+first+`"}`, 200)
		require.Equal(t, 200, (<-stays).status)
		require.EqualValues(t, []int64{1, 1}, []int64{s.LeaseStats().Held, s.engine.Stats().Held})
	})
}

func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(t, engine.Config{MaxWaiters: 1, Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 1}}}})
		post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)
		waits := s.later(t.Context(), "/v1/acquire", `{"group":"chat","wait_ms":60000}`)
		time.Sleep(15 * time.Second)
		got := <-s.later(t.Context(), "/v1/acquire", `{"group":"chat","wait_ms":60000}`)
		require.Equal(t, 429, got.status, got.body)
		require.Contains(t, got.body, `"type":"queue_full"`)
		require.Contains(t, got.body, `"limit":"rpm"`)
		require.Equal(t, "45", got.header.Get("Retry-After"), "the next minute begins then")
		require.Equal(t, 200, (<-waits).status)
	})
}

// A class that has used its share waits until there is headroom within it.
func TestPriorityOfAcquire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(t, engine.Config{
			PriorityShare: []float64{1, 0.5}, Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
		})
		for range 5 {
			post[fields](t, s, "/v1/acquire", `{"group":"chat","priority":1}`, 200)
		}
		post[fields](t, s, "/v1/acquire", `{"group":"chat","priority":1}`, 429)
		post[fields](t, s, "/v1/pick", `{"group":"chat","priority":1}`, 429)
		post[fields](t, s, "/v1/precheck", `{"deployment":"a","priority":1}`, 429)
		require.Nil(t, get(t, s, "/v1/explain?group=chat")["error"])
		require.NotNil(t, get(t, s, "/v1/explain?group=chat&priority=1")["error"])
		waits := s.later(t.Context(), "/v1/acquire", `{"group":"chat","priority":1,"wait_ms":60000}`)
		post[fields](t, s, "/v1/acquire", `{"group":"chat"}`, 200)
		require.Equal(t, 200, (<-waits).status)
	})
}

// serveAPI serves a service on a real listener, with limits that a wait outlasts,
// and returns its address and what ends it.
func serveAPI(t *testing.T, s *service) (string, func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	limits := server.Limits{Request: 100 * time.Millisecond, Answer: 100 * time.Millisecond}
	go func() { ended <- server.Serve(ctx, server.Config{Handler: s.mux, Limits: limits}, l) }()
	done := false
	stop := func() error {
		cancel()
		if done {
			return nil
		}
		done = true
		return <-ended
	}
	t.Cleanup(func() { _ = stop() })
	return "http://" + l.Addr().String() + "/v1/acquire", stop
}

// A wait outlasts what other requests may take, its client is missed when it
// goes, and the end of the server ends it.
func TestWaitOverHTTP(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			s := newService(t)
			url, stop := serveAPI(t, s)
			tr := &http.Transport{}
			if protocol == "HTTP/2.0" {
				tr.Protocols = new(http.Protocols)
				tr.Protocols.SetUnencryptedHTTP2(true)
			}
			defer tr.CloseIdleConnections()
			ask := func(ctx context.Context, body string) (int, string, error) {
				r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
				require.NoError(t, err)
				r.Header.Set("Content-Type", "application/json")
				resp, err := tr.RoundTrip(r)
				if err != nil {
					return 0, "", err
				}
				defer func() { _ = resp.Body.Close() }()
				require.Equal(t, protocol, resp.Proto)
				text, err := io.ReadAll(resp.Body)
				return resp.StatusCode, string(text), err
			}
			status, text, err := ask(t.Context(), `{"group":"single"}`)
			require.NoError(t, err)
			require.Equal(t, 200, status, text)
			begin := time.Now()
			status, text, err = ask(t.Context(), `{"group":"single","wait_ms":400}`)
			require.NoError(t, err)
			require.Equal(t, 429, status, text)
			require.GreaterOrEqual(t, time.Since(begin), 400*time.Millisecond)

			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan error, 1)
			go func() { _, _, err := ask(ctx, `{"group":"single","wait_ms":60000}`); gone <- err }()
			waiting := func(n int64) func() bool { return func() bool { return s.engine.Stats().Waiting == n } }
			servertest.Until(t, "it waits", waiting(1))
			leave()
			require.Error(t, <-gone)
			servertest.Until(t, "it has left the line", waiting(0))

			answer := make(chan string, 1)
			go func() { _, text, _ := ask(t.Context(), `{"group":"single","wait_ms":60000}`); answer <- text }()
			servertest.Until(t, "another waits", waiting(1))
			require.NoError(t, stop(), "the end does not wait for it")
			require.Contains(t, <-answer, `"type":"draining"`)
			require.EqualValues(t, 1, s.engine.Stats().Held)
		})
	}
}
