package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	secret = "sk-the-deployment-s-own"
	chat   = `{"model":"chat","messages":[{"role":"user","content":"Hello"}]}`
	stream = `{"model":"chat","stream":true,"messages":[{"role":"user","content":"Hello"}]}`
	plain  = `{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}`
	chunk  = `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	last   = `data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}` + "\n\ndata: [DONE]\n\n"
)

// bench is a proxy on a server of its own, before deployments "a", "b" and so on,
// used in that order.
type bench struct {
	eng   *engine.Engine
	proxy *proxy.Proxy
	url   string
	stop  context.CancelFunc // as SIGTERM does
	log   *text
}

// text may be written to and read at once.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.String()
}

type change struct {
	limits  engine.Limits
	api     transport.API
	aliases map[string]string
	edit    func(*proxy.Config)
}

func newBench(t *testing.T, ch change, deployments ...http.Handler) *bench {
	t.Helper()
	b := &bench{log: &text{}}
	noon := time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
	cfg := engine.Config{Aliases: ch.aliases, Clock: window.NewClockFrom(func() time.Time { return noon })}
	endpoints := map[string]transport.Endpoint{}
	if ch.api == "" {
		ch.api = transport.OpenAI
	}
	for i, h := range deployments {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		id := string(rune('a' + i))
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Order: i, Limits: ch.limits})
		endpoints[id] = transport.Endpoint{API: ch.api, BaseURL: srv.URL + "/v1", Model: "m-" + id, Credential: transport.Key(secret)}
	}
	cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "z", Group: "decided-only"})
	var err error
	b.eng, err = engine.New(cfg)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	pc := proxy.Config{Engine: b.eng, Log: log}
	if ch.edit != nil {
		ch.edit(&pc)
	}
	b.proxy = proxy.New(pc)
	require.NoError(t, proxy.Check(cfg, endpoints))
	require.NoError(t, b.proxy.Apply(cfg, endpoints))
	mux := http.NewServeMux()
	b.proxy.Register(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	done := make(chan error, 1)
	go func() {
		done <- server.Serve(ctx, server.Config{
			Handler: server.NewGuard(mux, func() *server.Tokens { return nil }, log),
			Limits:  server.Limits{Request: 300 * time.Millisecond, Answer: 300 * time.Millisecond},
			Drain:   5 * time.Second, Log: log,
		}, l)
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NotContains(t, b.log.String(), secret)
		require.NotContains(t, b.log.String(), "client-key")
	})
	return b
}

func (b *bench) post(t *testing.T, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer client-key")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(got)
}

// settled waits until nothing is reserved, and returns the tokens counted.
func (b *bench) settled(t *testing.T) int64 {
	t.Helper()
	require.Eventually(t, func() bool { return b.eng.Stats().Held == 0 }, 10*time.Second, time.Millisecond)
	return b.eng.Stats().Tokens
}

// answers returns a handler that always answers the same.
func answers(status int, body string, headers ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

const (
	chatPath     = "/openai/v1/chat/completions"
	messagesPath = "/anthropic/v1/messages"
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

func TestRefusals(t *testing.T) {
	unreachable := func(c *proxy.Config) {
		c.Base = roundTrip(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial tcp 10.1.2.3:443: refused") })
	}
	fine := answers(200, plain)
	tests := []struct {
		name, method, path, body string
		limits                   engine.Limits
		provider                 http.Handler
		edit                     func(*proxy.Config)
		headers                  []string
		status                   int
		want                     string
	}{
		{name: "no such path", path: "/openai/v1/images", body: "{}", status: 404, want: `{"error":{"message":"no such path; base URLs are /openai/v1 for OpenAI's clients and /anthropic for Anthropic's","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "no such path of Anthropic's", path: "/anthropic/v1/complete", body: "{}", status: 404, want: `{"type":"error","error":{"type":"not_found_error","message":"no such path; base URLs are /openai/v1 for OpenAI's clients and /anthropic for Anthropic's"}}`},
		{name: "method", method: "GET", path: chatPath, status: 405, want: `{"error":{"message":"use POST for this path","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "a form", path: chatPath, body: chat, headers: []string{"Content-Type", "text/plain"}, status: 415, want: `{"error":{"message":"the header Content-Type must be application/json","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "unknown group", path: chatPath, body: `{"model":"nobody"}`, status: 404, want: `{"error":{"message":"the model \"nobody\" does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}`},
		{name: "group without endpoints", path: chatPath, body: `{"model":"decided-only"}`, status: 404, want: `{"error":{"message":"the model \"decided-only\" cannot be called: none of its deployments has an endpoint","type":"invalid_request_error","param":null,"code":"model_not_found"}}`},
		{name: "other API", path: messagesPath, body: `{"model":"chat","messages":[]}`, status: 400, want: `{"type":"error","error":{"type":"invalid_request_error","message":"the model \"chat\" is not served by this API"}}`},
		{name: "no JSON", path: chatPath, body: `{"model`, status: 400, want: `{"error":{"message":"the body cannot be used: its JSON is incomplete","type":"invalid_request_error","param":null,"code":null}}`},
		{name: "too much in memory", path: chatPath, body: chat, edit: func(c *proxy.Config) { c.MaxHeld = 10 }, status: 503, want: `{"error":{"message":"too many bytes of requests are held in memory; try again","type":"api_error","param":null,"code":null}}`},
		{name: "never fits", path: chatPath, body: chat, limits: engine.Limits{TPM: 5}, status: 429, want: `{"error":{"message":"Request too large for \"chat\": it will not fit its limits (tpm).","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`},
		{name: "unreachable", path: chatPath, body: chat, edit: unreachable, status: 502, want: `{"error":{"message":"none of the deployments that were tried could be reached; the log says why","type":"api_error","param":null,"code":null}}`},
		{name: "a wrong key", path: chatPath, body: chat, provider: answers(401, `{"error":{"message":"Incorrect API key provided: `+secret+`"}}`), status: 502, want: `{"error":{"message":"the provider refused the deployment's credential with status 401","type":"api_error","param":null,"code":null}}`},
		{name: "the provider's own", path: chatPath, body: chat, provider: answers(400, `{"error":{"message":"no"}}`), status: 400, want: `{"error":{"message":"no"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.provider == nil {
				tt.provider = fine
			}
			b := newBench(t, change{limits: tt.limits, edit: tt.edit}, tt.provider)
			var resp *http.Response
			var text string
			if tt.method == "GET" {
				r, err := http.Get(b.url + tt.path)
				require.NoError(t, err)
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
				resp, text = r, string(body)
			} else {
				resp, text = b.post(t, tt.path, tt.body, tt.headers...)
			}
			require.Equal(t, tt.status, resp.StatusCode, text)
			require.JSONEq(t, tt.want, text)
			if tt.name != "the provider's own" {
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			}
			require.NotEmpty(t, resp.Header.Get("X-Request-Id"))
			b.settled(t)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A body that does not come in time is given up, one that comes slowly but surely
// is not.
func TestSlowBodies(t *testing.T) {
	b := newBench(t, change{edit: func(c *proxy.Config) { c.Patience = 600 * time.Millisecond }}, answers(200, plain))
	send := func(gap time.Duration) string {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", chatPath, len(chat), chat[:10])
		require.NoError(t, err)
		<-time.After(gap)
		_, _ = io.WriteString(c, chat[10:])
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		return line
	}
	require.Equal(t, "HTTP/1.1 200 OK\r\n", send(400*time.Millisecond), "longer than other requests may take")
	require.Equal(t, "HTTP/1.1 408 Request Timeout\r\n", send(900*time.Millisecond))
	b.settled(t)
}

// Bodies above what is held pass through with their group in a header.
func TestLargeBodies(t *testing.T) {
	var got int64
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, plain)
	}))
	large := `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("long ", 2<<20) + `"}]}`
	resp, text := b.post(t, chatPath, large)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.Contains(t, text, "X-Plimsoll-Group")
	resp, text = b.post(t, chatPath, large, "X-Plimsoll-Group", "chat")
	require.Equal(t, 200, resp.StatusCode, text)
	require.EqualValues(t, len(large), got)
	require.EqualValues(t, 12+34, b.settled(t))
}

func TestModels(t *testing.T) {
	b := newBench(t, change{aliases: map[string]string{"gpt": "gpt-5", "gpt-5": "chat", "no": "decided-only"}}, answers(200, plain))
	get := func(path string) (int, string) {
		resp, err := http.Get(b.url + path)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, string(text)
	}
	status, text := get("/openai/v1/models")
	require.Equal(t, 200, status)
	for _, name := range []string{"chat", "gpt", "gpt-5"} {
		require.Contains(t, text, `{"id":"`+name+`","object":"model",`)
	}
	require.NotContains(t, text, "decided-only")
	require.NotContains(t, text, `"no"`)
	status, text = get("/openai/v1/models/gpt-5")
	require.Equal(t, 200, status)
	require.Contains(t, text, `{"id":"gpt-5",`)
	status, _ = get("/openai/v1/models/no")
	require.Equal(t, 404, status)
}

// Endpoints come and go with the configuration; a bad one changes nothing.
func TestApply(t *testing.T) {
	b := newBench(t, change{}, answers(200, plain))
	cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}}
	srv := httptest.NewServer(answers(200, `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`))
	defer srv.Close()
	ep := transport.Endpoint{API: transport.OpenAI, BaseURL: srv.URL}
	half := map[string]transport.Endpoint{"a": ep}
	require.ErrorContains(t, proxy.Check(cfg, half), `Endpoints["b"]: is missing`)
	require.NoError(t, b.eng.Apply(cfg))
	require.Error(t, b.proxy.Apply(cfg, half))
	require.True(t, b.proxy.Serves())

	require.NoError(t, b.proxy.Apply(cfg, nil))
	require.False(t, b.proxy.Serves())
	for _, path := range []string{chatPath, messagesPath} {
		resp, text := b.post(t, path, chat)
		require.Equal(t, 404, resp.StatusCode)
		require.Contains(t, text, "endpoint")
	}
	require.NoError(t, b.proxy.Apply(cfg, map[string]transport.Endpoint{"a": ep, "b": ep}))
	resp, text := b.post(t, chatPath, chat)
	require.Equal(t, 200, resp.StatusCode, text)
}

// A call that is under way when the end begins has the time to end.
func TestCallsEndInOrder(t *testing.T) {
	begun, next := make(chan struct{}), make(chan struct{})
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk)
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-next
		_, _ = io.WriteString(w, last)
	}))
	go func() {
		<-begun
		b.stop()
		<-time.After(300 * time.Millisecond)
		close(next)
	}()
	resp, text := b.post(t, chatPath, stream)
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, text, "[DONE]")
	require.EqualValues(t, 12+34, b.settled(t))
}

// Many calls at once, of clients that stay and clients that go, leave nothing
// reserved or held.
func TestManyAtOnce(t *testing.T) {
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			_, _ = io.WriteString(w, chunk)
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, last)
	}), answers(200, plain))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+chatPath, strings.NewReader(stream))
				if err != nil {
					t.Error(err)
				}
				r.Header.Set("Content-Type", "application/json")
				if resp, err := http.DefaultClient.Do(r); err == nil {
					if (i+j)%3 == 0 {
						_, _ = io.CopyN(io.Discard, resp.Body, int64(j*50))
						cancel()
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	b.settled(t)
	s := b.eng.Stats()
	require.EqualValues(t, 320, s.Admitted)
	require.Equal(t, s.Admitted, s.Settled)
	require.Eventually(t, func() bool { return b.proxy.Held() == 0 }, 10*time.Second, time.Millisecond)
}
