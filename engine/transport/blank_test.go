package transport_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Where a provider repeats the deployment's key in a header, an error, an answer or a
// stream, the client gets asterisks, and nothing else of the answer changes.
func TestKeysInAnswers(t *testing.T) {
	stars := strings.Repeat("*", len(secret))
	for name, tt := range map[string]struct {
		status int
		typ    string
		body   string
	}{
		"error":  {400, "application/json", `{"error":{"message":"Incorrect key: Bearer ` + secret + `"}}`},
		"answer": {200, "application/json", `{"choices":[{"message":{"content":"` + secret + secret + `"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`},
		"stream": {200, "text/event-stream", `data: {"choices":[{"delta":{"content":"` + secret + `"}}]}` + "\n\ndata: [DONE]\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, answers(tt.status, tt.body, "Content-Type", tt.typ, "X-Echo", "Bearer "+secret))
			resp, text := b.post(t, "/chat/completions", streamedChat)
			require.Equal(t, strings.ReplaceAll(tt.body, secret, stars), text)
			require.Equal(t, "Bearer "+stars, resp.Header.Get("X-Echo"))
			b.atRest(t)
		})
	}
}

// A key with signs that writers of JSON and of queries escape is blanked in those forms too.
func TestEscapedKeysInAnswers(t *testing.T) {
	const key = "AbC/def+ghi&jkl=="
	for _, form := range []string{key, `AbC\/def+ghi&jkl==`, `AbC/def+ghi\u0026jkl==`, `AbC/def+ghi\u0026jkl\u003d\u003d`, "AbC%2Fdef%2Bghi%26jkl%3D%3D"} {
		b := newBench(t, change{edit: func(c *transport.Config) {
			ep := c.Endpoints["a"]
			ep.Credential = transport.Key(key)
			c.Endpoints["a"] = ep
		}}, answers(400, `{"error":{"message":"key `+form+` is bad"}}`, "X-Echo", form))
		resp, text := b.post(t, "/chat/completions", plainChat)
		stars := strings.Repeat("*", len(form))
		require.Equal(t, `{"error":{"message":"key `+stars+` is bad"}}`, text)
		require.Equal(t, stars, resp.Header.Get("X-Echo"))
	}
}

// FuzzBlank compares the blanked text with a replacement of the whole, however reads
// cut it.
func FuzzBlank(f *testing.F) {
	f.Add("xaabaabaac", "aabaabaa", []byte{1, 2, 9, 30})
	f.Add("abcdefghabcdefgh", "abcdefgh", []byte{3, 1, 1, 1})
	f.Add("aaaaaaaaaaaaaaaaaaa", "aaaaaaaa", []byte{7})
	f.Fuzz(func(t *testing.T, text, key string, cuts []byte) {
		if len(key) < 8 || len(cuts) == 0 || strings.Contains(key, "*") {
			return
		}
		resp := &http.Response{Header: http.Header{}, Body: &cutReader{text: text, cuts: cuts}}
		transport.Blank(resp, key)
		var got []byte
		for i := 0; ; i++ {
			p := make([]byte, 1+int(cuts[i%len(cuts)])/2)
			n, err := resp.Body.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		want := text
		for _, form := range transport.FormsOf(key) {
			want = strings.ReplaceAll(want, form, strings.Repeat("*", len(form)))
		}
		require.Equal(t, want, string(got))
	})
}

// cutReader returns a text in pieces of given sizes.
type cutReader struct {
	text string
	cuts []byte
	n    int
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := min(1+int(c.cuts[c.n%len(c.cuts)]), len(p), len(c.text))
	c.n++
	copy(p, c.text[:n])
	c.text = c.text[n:]
	return n, nil
}

func (c *cutReader) Close() error { return nil }

// A status that no API answers with, redirects among them, is the deployment's
// fault: another one is tried, and no address of a redirect reaches the client.
func TestUnusableStatuses(t *testing.T) {
	for _, status := range []int{301, 302, 304, 307, 308, 600, 999} {
		b := newBench(t, change{}, answers(status, "", "Location", "http://169.254.169.254/"), answers(200, `{"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
		resp, _ := b.post(t, "/chat/completions", streamedChat)
		require.Equal(t, 200, resp.StatusCode, status)
		require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
		require.Empty(t, resp.Header.Get("Location"))
		require.ErrorContains(t, b.attempts()[0].Err, "the answer")
		b.atRest(t)
	}
	for _, status := range []int{0, 99, 101} {
		body := io.NopCloser(strings.NewReader(""))
		b := newBench(t, change{edit: func(c *transport.Config) {
			c.Base = roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Body: body, Header: http.Header{}}, nil
			})
		}}, answers(200, ""))
		_, err := b.client.Do(request(t.Context(), t, "/chat/completions", streamedChat)) //nolint:bodyclose // there is none
		require.ErrorContains(t, err, "none of an API's")
		b.atRest(t)
	}
}
