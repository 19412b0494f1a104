package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// newTransport returns a transport to one deployment.
func newTransport(url string, adjust func(*http.Request, *transport.Admission) error) *transport.Transport {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "main", Group: "gpt-4o"}}})
	if err != nil {
		panic(err)
	}
	rt, err := transport.New(transport.Config{
		Engine: eng, Adjust: adjust,
		Endpoints: map[string]transport.Endpoint{"main": {API: transport.OpenAI, BaseURL: url}},
	})
	if err != nil {
		panic(err)
	}
	return rt
}

// The user of a request is its affinity, and is not sent to the provider.
func ExampleAdmission_SetMember() {
	srv := httptest.NewServer(&fake.Provider{})
	defer srv.Close()
	rt := newTransport(srv.URL, func(_ *http.Request, a *transport.Admission) error {
		fmt.Println(a.Text("user"), string(a.Member("stream")))
		a.Demand.Affinity = uint64(len(a.Text("user"))) // a hash, in a gateway
		a.SetMember("user", nil)
		return nil
	})
	resp, err := (&http.Client{Transport: rt}).Post("http://any.invalid/chat/completions", "application/json",
		strings.NewReader(`{"model":"gpt-4o","user":"ada","stream":false,"messages":[{"role":"user","content":"Hi"}]}`))
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	// Output: ada false
}

// What a deployment keeps, such as a file, is asked of that deployment, and nothing is counted.
func ExampleTransport_Forward() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Method, " ", r.URL.Path) }))
	defer srv.Close()
	rt := newTransport(srv.URL+"/v1", nil)
	defer rt.CloseIdleConnections()
	in := httptest.NewRequest(http.MethodGet, "/files/file-1", nil)
	resp, err := rt.Forward(in, "main", "/files/file-1")
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	fmt.Println(string(body))
	// Output: GET /v1/files/file-1
}

// A file that is replaced is a new key.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "key")
	key := transport.File(path)
	for _, text := range []string{"sk-old\n", "sk-new\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			panic(err)
		}
		fmt.Println(key(context.Background()))
	}
	// Output:
	// sk-old <nil>
	// sk-new <nil>
}
