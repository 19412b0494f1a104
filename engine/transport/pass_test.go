package transport_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// Counting tokens is passed through with the deployment's model and key, and counts
// nothing; where the deployment is at fault another one is asked.
func TestUncounted(t *testing.T) {
	for _, tt := range []struct {
		api  transport.API
		path string
	}{{transport.Anthropic, "/messages/count_tokens"}, {transport.OpenAI, "/responses/input_tokens"}} {
		p := &fake.Provider{}
		b := newBench(t, change{api: tt.api, limits: engine.Limits{RPM: 1}}, answers(503, ""), p)
		for range 3 { // more than the limit
			resp, text := b.post(t, tt.path+"?beta=true", `{"model":"chat","messages":[]}`)
			require.Equal(t, 200, resp.StatusCode, text)
			require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
			require.Equal(t, "chat", resp.Header.Get(transport.HeaderGroup))
		}
		got, sent := p.Last()
		require.Equal(t, "/v1"+tt.path, got.URL.Path)
		require.Equal(t, "beta=true", got.URL.RawQuery)
		require.JSONEq(t, `{"model":"model-b","messages":[]}`, string(sent))
		require.Zero(t, b.eng.Stats().Admitted)
		require.Empty(t, b.attempts())
		require.Zero(t, b.state(t, "a").CoolingFor)
	}
}

// What has no token accounting counts as a request, and as the tokens that its answer
// reports.
func TestCountedByRequest(t *testing.T) {
	for _, path := range []string{"/images/generations", "/audio/speech", "/moderations", "/rerank"} {
		b := newBench(t, change{limits: engine.Limits{RPM: 1, TPM: 100}}, answers(200, "anything"))
		resp, text := b.post(t, path, `{"model":"chat","prompt":"`+strings.Repeat("long ", 1000)+`"}`)
		require.Equal(t, 200, resp.StatusCode, text)
		require.EqualValues(t, 1, b.state(t, "a").Limit(engine.LimitRPM).Used)
		require.Zero(t, b.state(t, "a").Limit(engine.LimitTPM).Used)
		resp, _ = b.post(t, path, `{"model":"chat"}`)
		require.Equal(t, 429, resp.StatusCode)
		b.atRest(t)
	}
	b := newBench(t, change{}, answers(200, `{"data":[],"usage":{"input_tokens":7,"output_tokens":9,"total_tokens":16}}`, "Content-Type", "application/json"))
	_, _ = b.post(t, "/images/generations", `{"model":"chat"}`)
	require.EqualValues(t, 16, b.state(t, "a").Limit(engine.LimitTPM).Used)
	b.atRest(t)
}

// A form is sent on with the deployment's model, all else as it was.
func TestForms(t *testing.T) {
	sound := strings.Repeat("\x00\r\n--no", 1000)
	write := func(fields ...string) (string, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		file, err := w.CreateFormFile("file", "a.mp3")
		require.NoError(t, err)
		_, err = io.WriteString(file, sound)
		require.NoError(t, err)
		for i := 0; i < len(fields); i += 2 {
			require.NoError(t, w.WriteField(fields[i], fields[i+1]))
		}
		require.NoError(t, w.Close())
		return body.String(), w.FormDataContentType()
	}
	post := func(b *bench, text, typ string) (*http.Response, string) {
		r := request(t.Context(), t, "/audio/transcriptions", text)
		r.Header.Set("Content-Type", typ)
		return b.send(t, r)
	}
	var got []byte
	var form *multipart.Form
	provider := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(got))
		if r.ParseMultipartForm(1<<20) == nil {
			form = r.MultipartForm
		}
		_, _ = io.WriteString(w, `{"text":"hi"}`)
	})
	b := newBench(t, change{}, answers(503, ""), provider)
	text, typ := write("language", "en", "model", "chat", "prompt", "chat")
	resp, answer := post(b, text, typ)
	require.Equal(t, 200, resp.StatusCode, answer)
	require.Equal(t, strings.Replace(text, "\r\n\r\nchat\r\n", "\r\n\r\nmodel-b\r\n", 1), string(got))
	require.Equal(t, []string{"model-b"}, form.Value["model"])
	b.atRest(t)
	for name, fields := range map[string][]string{
		"no model": {"language", "en"}, "empty": {"model", ""}, "two": {"model", "chat", "model", "other"}, "another case": {"model", "chat", "Model", "other"},
	} {
		text, typ := write(fields...)
		resp, _ := post(b, text, typ)
		require.Equal(t, 400, resp.StatusCode, name)
	}
	for _, broken := range []string{
		"", "x", "--b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nchat", "--b\nContent-Disposition: form-data; name=\"model\"\n\nchat\n--b--",
		"--b\r\nContent-Disposition: form-data; name=\"x\"; name=\"model\"\r\n\r\nchat\r\n--b--",
	} {
		resp, _ := post(b, broken, "multipart/form-data; boundary=b")
		require.Equal(t, 400, resp.StatusCode, broken)
	}
}

// Forward sends what a deployment keeps to it alone.
func TestForward(t *testing.T) {
	var got *http.Request
	var rt *transport.Transport
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		_, _ = io.Copy(w, r.Body)
	}))
	rt = b.client.Transport.(*transport.Transport)
	r := request(t.Context(), t, "/ignored?limit=2", "up")
	r.Header.Set("Cookie", "c")
	resp, err := rt.Forward(r, "a", "/responses/resp%2F1/input_items")
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "up", string(text))
	require.Equal(t, "/v1/responses/resp%2F1/input_items", got.URL.EscapedPath())
	require.Equal(t, "limit=2", got.URL.RawQuery)
	require.Equal(t, "Bearer "+secret, got.Header.Get("Authorization"))
	require.Empty(t, got.Header.Get("Cookie"))
	require.NotContains(t, resp.Header.Get("X-Echo"), secret)
	require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
	_, err = rt.Forward(request(t.Context(), t, "/", ""), "x", "/files") //nolint:bodyclose // there is none
	require.ErrorContains(t, err, "no endpoint")
	require.Zero(t, b.eng.Stats().Admitted)
}
