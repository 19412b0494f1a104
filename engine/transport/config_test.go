package transport_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "g"}, {ID: "b", Group: "g"}, {ID: "c", Group: "other"}}})
	require.NoError(t, err)
	good := transport.Endpoint{API: transport.OpenAI, BaseURL: "https://api.example.com/v1"}
	one := func(edit func(*transport.Endpoint)) transport.Config {
		ep := good
		edit(&ep)
		return transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"c": ep}}
	}
	tests := []struct {
		name string
		cfg  transport.Config
		want string
	}{
		{"no engine", transport.Config{}, "Engine: is nil"},
		{"no endpoint", transport.Config{Engine: eng}, "Endpoints: is empty"},
		{"half a group", transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"a": good}}, `Endpoints["b"]: is missing; group "g" has one for "a"`},
		{"of no deployment", transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"c": good, "x": good}}, `Endpoints["x"]: the engine has no deployment of that ID`},
		{"no API", one(func(ep *transport.Endpoint) { ep.API = "" }), `Endpoints["c"].API: is empty`},
		{"unknown API", one(func(ep *transport.Endpoint) { ep.API = "cohere" }), `Endpoints["c"].API: "cohere" is unknown`},
		{"no URL", one(func(ep *transport.Endpoint) { ep.BaseURL = "" }), `Endpoints["c"].BaseURL: is empty`},
		{"no scheme", one(func(ep *transport.Endpoint) { ep.BaseURL = "api.example.com" }), `Endpoints["c"].BaseURL: is no http or https URL`},
		{"a password", one(func(ep *transport.Endpoint) { ep.BaseURL = "https://u:" + secret + "@h/" }), `Endpoints["c"].BaseURL: has a user or password`},
		{"a query", one(func(ep *transport.Endpoint) { ep.BaseURL = "https://h/?key=" + secret }), `Endpoints["c"].BaseURL: has a query`},
		{"an unreadable URL", one(func(ep *transport.Endpoint) { ep.BaseURL = "https://" + secret + ":x\x7f" }), `Endpoints["c"].BaseURL: is no http`},
		{"a version for OpenAI", one(func(ep *transport.Endpoint) { ep.APIVersion = "v" }), `Endpoints["c"].APIVersion: is set`},
		{"Azure without a model", one(func(ep *transport.Endpoint) { ep.API, ep.APIVersion = transport.Azure, "v" }), `Endpoints["c"].Model: is empty`},
		{"a model of two lines", one(func(ep *transport.Endpoint) { ep.Model = "a\nb" }), `Endpoints["c"].Model: has a control character`},
		{"negative body", transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"c": good}, MaxBody: -1}, "MaxBody: is -1"},
		{"too many attempts", transport.Config{Engine: eng, Endpoints: map[string]transport.Endpoint{"c": good}, MaxAttempts: 101}, "MaxAttempts: is 101"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := transport.New(tt.cfg)
			require.ErrorContains(t, err, "transport: "+tt.want)
			require.NotContains(t, err.Error(), secret)
		})
	}
	_, err = transport.New(one(func(*transport.Endpoint) {}))
	require.NoError(t, err)
}

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	get := func(c transport.Credential) string {
		key, err := c(t.Context())
		if err != nil {
			return "error: " + err.Error()
		}
		return key
	}
	require.Contains(t, get(transport.File(file)), "error: open "+file)
	require.NoError(t, os.WriteFile(file, []byte(" \n"), 0o600))
	require.Contains(t, get(transport.File(file)), "is empty")
	require.NoError(t, os.WriteFile(file, []byte("one\n"), 0o600))
	require.Equal(t, "one", get(transport.File(file)))
	t.Setenv("PLIMSOLL_TEST_KEY", "two")
	require.Equal(t, "two", get(transport.Env("PLIMSOLL_TEST_KEY")))
	t.Setenv("PLIMSOLL_TEST_KEY", "two\n")
	require.Equal(t, "two", get(transport.Env("PLIMSOLL_TEST_KEY")))
	require.Contains(t, get(transport.Env("PLIMSOLL_TEST_UNSET")), "error: environment variable")
	require.Equal(t, "three", get(transport.Key("three")))
}

// Any text can be an ID, but not every text a header.
func TestDeploymentHeaderOfAnyID(t *testing.T) {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "é\n\"1", Group: "chat"}}})
	require.NoError(t, err)
	tr, err := transport.New(transport.Config{
		Engine: eng, Endpoints: map[string]transport.Endpoint{"é\n\"1": {API: transport.OpenAI, BaseURL: "http://h"}},
		Base: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}),
	})
	require.NoError(t, err)
	resp, err := tr.RoundTrip(request(t.Context(), t, "/embeddings", `{"model":"chat","input":"x"}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, `\u00e9\n\"1`, resp.Header.Get(transport.HeaderDeployment))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Profiles fills in what is not given, and changes nothing that it was given.
func TestProfiles(t *testing.T) {
	preset := func(name, model string) provider.Profile {
		p, _ := provider.Preset(name, model)
		return p
	}
	own := provider.Profile{Weights: provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1, Output: 1}}
	tests := []struct {
		name string
		ep   *transport.Endpoint
		d    engine.Deployment
		want provider.Profile
	}{
		{"by the API", &transport.Endpoint{API: transport.Azure}, engine.Deployment{}, preset("azure", "")},
		{"by the provider", &transport.Endpoint{API: transport.OpenAI, Provider: "groq"}, engine.Deployment{}, preset("groq", "")},
		{"by the model", &transport.Endpoint{API: transport.OpenAI, Provider: "bedrock", Model: "anthropic.claude-opus-4"}, engine.Deployment{}, preset("bedrock", "claude-opus-4")},
		{"by the deployment's model", &transport.Endpoint{API: transport.OpenAI, Provider: "bedrock"}, engine.Deployment{Model: "claude-opus-4"}, preset("bedrock", "claude-opus-4")},
		{"of an unknown provider", &transport.Endpoint{API: transport.OpenAI, Provider: "acme"}, engine.Deployment{}, provider.Unknown()},
		{"given", &transport.Endpoint{API: transport.OpenAI}, engine.Deployment{Profile: own}, own},
		{"without an endpoint", nil, engine.Deployment{}, provider.Profile{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.ID, tt.d.Group = "a", "g"
			endpoints := map[string]transport.Endpoint{}
			if tt.ep != nil {
				endpoints["a"] = *tt.ep
			}
			in := engine.Config{Deployments: []engine.Deployment{tt.d}}
			got := transport.Profiles(in, endpoints)
			require.Equal(t, tt.want, got.Deployments[0].Profile)
			require.Equal(t, tt.d, in.Deployments[0], "what was given is as it was")
			require.NoError(t, got.Validate())
		})
	}
}
