package transport_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// script is a provider's answer in virtual time: pauses and pieces of a body, in turn.
type script struct {
	connect time.Duration // until there is a connection
	headers time.Duration // until there is an answer
	status  int           // 0 = 200
	typ     string
	steps   []any // a time.Duration or a text; at the end io.EOF follows
	hangs   bool  // instead of ending
}

const (
	sse      = "text/event-stream"
	delta    = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"
	doneLine = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n"
)

func (s script) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace != nil {
		trace.GetConn("h:443")
	}
	if err := sleep(r.Context(), s.connect); err != nil {
		return nil, err
	}
	if trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if err := sleep(r.Context(), s.headers); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: cmp.Or(s.status, 200), Header: http.Header{"Content-Type": {s.typ}}, Body: &scripted{r.Context(), s}}, nil
}

type scripted struct {
	ctx context.Context
	s   script
}

func (b *scripted) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	for len(b.s.steps) > 0 {
		step := b.s.steps[0]
		b.s.steps = b.s.steps[1:]
		if d, ok := step.(time.Duration); ok {
			if err := sleep(b.ctx, d); err != nil {
				return 0, err
			}
			continue
		}
		n := copy(p, step.(string))
		if rest := step.(string)[n:]; rest != "" {
			b.s.steps = append([]any{rest}, b.s.steps...)
		}
		return n, nil
	}
	if b.s.hangs {
		return 0, sleep(b.ctx, 1000*time.Hour)
	}
	return 0, io.EOF
}

func (b *scripted) Close() error { return nil }

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// silent is a transport in virtual time whose deployments play scripts, the first one
// preferred.
func silent(t *testing.T, edit func(*transport.Config), scripts ...script) (*engine.Engine, *transport.Transport) {
	t.Helper()
	cfg := engine.Config{}
	tc := transport.Config{Endpoints: map[string]transport.Endpoint{}}
	by := map[string]script{}
	for i, s := range scripts {
		id := string(rune('a' + i))
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Order: i})
		tc.Endpoints[id] = transport.Endpoint{API: transport.OpenAI, BaseURL: "http://" + id}
		by[id] = s
	}
	tc.Base = roundTrip(func(r *http.Request) (*http.Response, error) { return by[r.URL.Host].RoundTrip(r) })
	var err error
	tc.Engine, err = engine.New(cfg)
	require.NoError(t, err)
	if edit != nil {
		edit(&tc)
	}
	tr, err := transport.New(tc)
	require.NoError(t, err)
	return tc.Engine, tr
}

// A provider that is silent for too long, at whatever point, is left for another.
func TestSilentProviders(t *testing.T) {
	good := script{typ: sse, steps: []any{delta, doneLine}}
	for _, tt := range []struct {
		name   string
		bad    script
		stream bool
		after  time.Duration // the answer comes
	}{
		{"no connection", script{connect: time.Hour}, true, 5 * time.Second},
		{"no answer to a stream", script{headers: time.Hour}, true, 120 * time.Second},
		{"no answer", script{headers: time.Hour}, false, 600 * time.Second},
		{"no byte", script{typ: "text/plain", headers: time.Second, hangs: true}, false, 600 * time.Second},
		{"no byte of JSON", script{typ: "application/json", hangs: true}, false, 600 * time.Second},
		{"slow is not silent, nor is a stream of another type", script{typ: "text/plain", steps: []any{100 * time.Second, delta, doneLine}}, true, 100 * time.Second},
		{"slow is not silent", script{typ: sse, headers: 119 * time.Second, steps: []any{delta, 299 * time.Second, doneLine}}, true, 119 * time.Second},
		{"an empty stream", script{typ: sse, headers: time.Second}, true, time.Second},
		{"an error that comes late", script{typ: sse, steps: []any{": wait\n\n", 1900 * time.Millisecond, "data: {\"error\":{}, \"type\":\"error\"}\n\n"}}, true, 1900 * time.Millisecond},
		{"one that comes too late", script{typ: sse, steps: []any{": wait\n\n", 2100 * time.Millisecond, "data: {\"type\":\"error\"}\n\n"}}, true, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				eng, tr := silent(t, nil, tt.bad, good)
				begin := time.Now()
				body := fmt.Sprintf(`{"model":"chat","stream":%t}`, tt.stream)
				resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", body))
				require.NoError(t, err)
				require.Equal(t, tt.after, time.Since(begin))
				want := "b"
				if strings.HasPrefix(tt.name, "slow") || strings.HasPrefix(tt.name, "one that") {
					want = "a"
				}
				require.Equal(t, want, resp.Header.Get(transport.HeaderDeployment))
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.NotEmpty(t, text)
				s := eng.Stats()
				require.Zero(t, s.Held)
			})
		})
	}
}

// What was never sent costs nothing; what was may have been counted.
func TestCostOfSilence(t *testing.T) {
	for _, tt := range []struct {
		bad  script
		want transport.Ending
	}{{script{connect: time.Hour}, transport.Released}, {script{headers: time.Hour}, transport.Kept}} {
		synctest.Test(t, func(t *testing.T) {
			var got transport.Attempt
			_, tr := silent(t, func(c *transport.Config) { c.Done = func(a transport.Attempt) { got = a } }, tt.bad)
			_, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", plainChat)) //nolint:bodyclose // there is none
			require.ErrorContains(t, err, "within")
			require.Equal(t, tt.want, got.Ending)
			require.ErrorContains(t, got.Err, "within")
		})
	}
}

// A stream that goes silent half way ends with an error; a reader that takes its time
// is not the provider's silence.
func TestIdleStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, tr := silent(t, nil, script{typ: sse, steps: []any{delta, delta}, hangs: true})
		resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", streamedChat))
		require.NoError(t, err)
		begin := time.Now()
		text, err := io.ReadAll(resp.Body)
		require.ErrorContains(t, err, "no further piece of the answer within 5m0s")
		require.Equal(t, delta+delta, string(text))
		require.Equal(t, 300*time.Second, time.Since(begin))
		require.NoError(t, resp.Body.Close())

		_, tr = silent(t, nil, script{typ: sse, steps: []any{delta, delta, doneLine}})
		resp, err = tr.RoundTrip(request(t.Context(), t, "/chat/completions", streamedChat))
		require.NoError(t, err)
		time.Sleep(time.Hour)
		text, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NotEmpty(t, text)
		require.NoError(t, resp.Body.Close())
	})
}

// What an endpoint says goes before what the configuration says; a negative timeout is
// none.
func TestTimeoutsOfAnEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, tr := silent(t, func(c *transport.Config) {
			c.Timeouts = transport.Timeouts{StreamFirstByte: 30 * time.Second, FirstByte: -1}
			ep := c.Endpoints["a"]
			ep.Timeouts.StreamFirstByte = time.Second
			c.Endpoints["a"] = ep
		}, script{headers: time.Hour}, script{headers: time.Hour, typ: sse, steps: []any{delta}})
		begin := time.Now()
		_, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", streamedChat)) //nolint:bodyclose // there is none
		require.ErrorContains(t, err, "no first byte within 30s")
		require.Equal(t, 31*time.Second, time.Since(begin))
		resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", plainChat))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
}

// The beginning of an answer is held no longer than it takes to show content.
func TestHoldingAddsNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, tr := silent(t, nil, script{typ: sse, steps: []any{time.Second, delta, time.Minute, doneLine}})
		begin := time.Now()
		resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", streamedChat))
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(begin))
		buf := make([]byte, 1024)
		n, err := resp.Body.Read(buf)
		require.NoError(t, err)
		require.Equal(t, delta, string(buf[:n]))
		require.Equal(t, time.Second, time.Since(begin))
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
}

// Clients that give up early say nothing; those that waited rank the deployment behind,
// and three different ones cool it down.
func TestClientsThatGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		who := "x"
		eng, tr := silent(t, func(c *transport.Config) { c.Client = func(*http.Request) string { return who } },
			script{headers: time.Hour}, script{typ: sse, steps: []any{delta, doneLine}})
		give := func(client string, after time.Duration) engine.State {
			who = client
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			_, err := tr.RoundTrip(request(ctx, t, "/chat/completions", streamedChat)) //nolint:bodyclose // there is none
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return eng.AppendStates(nil)[0]
		}
		score := func() float64 { return eng.Explain("chat", engine.Demand{InputTokens: 1}).Candidates[0].Score }
		for _, c := range []string{"x", "y", "z"} {
			require.Zero(t, give(c, 29*time.Second).CoolingFor)
		}
		require.Zero(t, score(), "they did not wait for long")
		for range 5 {
			require.Zero(t, give("x", 40*time.Second).CoolingFor)
		}
		require.Positive(t, score(), "one client alone ranks")
		require.Zero(t, give("y", 40*time.Second).CoolingFor)
		require.Positive(t, give("z", 40*time.Second).CoolingFor, "three agree")
	})
}

// The time to the first token ends with the first content: announcements and comments
// are none. An answer that is no stream has none.
func TestFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		role := "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
		var got []transport.Attempt
		_, tr := silent(t, func(c *transport.Config) { c.Done = func(a transport.Attempt) { got = append(got, a) } },
			script{connect: time.Second, typ: sse, headers: time.Second, steps: []any{role, time.Second, delta, time.Minute, doneLine}})
		for _, body := range []string{streamedChat, plainChat} {
			resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", body))
			require.NoError(t, err)
			_, err = io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
		require.Len(t, got, 2)
		require.Equal(t, []time.Duration{3 * time.Second, 0}, []time.Duration{got[0].FirstToken, got[1].FirstToken})
	})
}

// What is not counted is bounded as calls are: a silent deployment is left for another,
// and a request that one deployment alone can answer fails.
func TestSilentUncounted(t *testing.T) {
	good := script{typ: "application/json", steps: []any{`{"input_tokens":3}`}}
	for _, tt := range []struct {
		name  string
		bad   script
		after time.Duration
	}{
		{"no connection", script{connect: time.Hour}, 5 * time.Second},
		{"no answer", script{headers: 2 * time.Hour}, 600 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, tr := silent(t, nil, tt.bad, good)
				begin := time.Now()
				resp, err := tr.RoundTrip(request(t.Context(), t, "/responses/input_tokens", `{"model":"chat"}`))
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.JSONEq(t, `{"input_tokens":3}`, string(text))
				require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
				require.Equal(t, tt.after, time.Since(begin))

				begin = time.Now()
				_, err = tr.Forward(request(t.Context(), t, "/files", "{}"), "a", "/files")
				require.ErrorContains(t, err, "within "+tt.after.String())
				require.Equal(t, tt.after, time.Since(begin))
			})
		})
	}
}

// slowly is a body of which a piece comes every few minutes.
type slowly struct{ pieces int }

func (s *slowly) Read(p []byte) (int, error) {
	if s.pieces--; s.pieces < 0 {
		return 0, io.EOF
	}
	time.Sleep(5 * time.Minute)
	return copy(p, "piece"), nil
}

func (s *slowly) Close() error { return nil }

// An upload may take longer than the first byte of its answer, which is due after its
// last piece; an answer that stops half way ends after the idle time.
func TestForwardTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, tr := silent(t, nil,
			script{typ: "text/plain", headers: 599 * time.Second, steps: []any{"made"}},
			script{headers: 2 * time.Hour},
			script{typ: "text/plain", steps: []any{"half"}, hangs: true})
		send := func(deployment string, pieces int) (*http.Response, error) {
			r := request(t.Context(), t, "/files", "")
			r.Body, r.ContentLength = &slowly{pieces}, -1
			return tr.Forward(r, deployment, "/files")
		}
		resp, err := send("a", 6)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "made", string(text))

		begin := time.Now()
		_, err = send("b", 6)
		require.ErrorContains(t, err, "no first byte within 10m0s")
		require.Equal(t, 40*time.Minute, time.Since(begin))

		resp, err = send("c", 0)
		require.NoError(t, err)
		begin = time.Now()
		text, err = io.ReadAll(resp.Body)
		require.Equal(t, "half", string(text))
		require.ErrorContains(t, err, "no further piece of the answer within 5m0s")
		require.Equal(t, 5*time.Minute, time.Since(begin))
	})
}

// A refusal's beginning has to come within 5 s. What is behind it takes as long as the
// client does to read it.
func TestRefusalTimes(t *testing.T) {
	const piece = 256
	var long []any
	for range (64<<10)/piece + 40 {
		long = append(long, strings.Repeat("x", piece))
	}
	synctest.Test(t, func(t *testing.T) {
		_, tr := silent(t, nil, script{status: 400, steps: long})
		for name, send := range map[string]func() (*http.Response, error){
			"a call": func() (*http.Response, error) {
				return tr.RoundTrip(request(t.Context(), t, "/chat/completions", plainChat))
			},
			"not counted": func() (*http.Response, error) {
				return tr.RoundTrip(request(t.Context(), t, "/responses/input_tokens", `{"model":"chat"}`))
			},
			"forwarded": func() (*http.Response, error) {
				return tr.Forward(request(t.Context(), t, "/files", "{}"), "a", "/files")
			},
		} {
			resp, err := send()
			require.NoError(t, err, name)
			n, p := 0, make([]byte, 8*piece)
			for err == nil {
				var k int
				k, err = resp.Body.Read(p)
				n += k
				time.Sleep(time.Second)
			}
			require.ErrorIs(t, err, io.EOF, name)
			require.Equal(t, len(long)*piece, n, name)
			require.NoError(t, resp.Body.Close())
		}

		_, tr = silent(t, nil, script{status: 400, steps: []any{"half"}, hangs: true})
		begin := time.Now()
		resp, err := tr.RoundTrip(request(t.Context(), t, "/chat/completions", plainChat))
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.ErrorContains(t, err, "no end of a refusal within 5s")
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}
