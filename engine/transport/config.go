package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

const (
	defaultMaxBody     int64 = 8 << 20
	largestMaxBody     int64 = 64 << 20
	defaultMaxAttempts       = 3
	largestMaxAttempts       = 100
)

// Config is the configuration of a Transport. [New] returns its problems. Its functions are
// called by several goroutines at once.
type Config struct {
	// Engine decides which deployment a request goes to. Required.
	Engine *engine.Engine
	// Endpoints are the endpoints of the deployments, by their IDs. If one deployment of a
	// group has an endpoint, each needs one. Groups without any are not served.
	Endpoints map[string]Endpoint
	// Base sends the requests; nil = an [http.Transport] for many requests to few
	// hosts. Its requests have the deployments' credentials, so a Base that
	// logs headers logs credentials.
	Base http.RoundTripper
	// Counter returns the counter of the tokens of a prompt for the group with a
	// name; nil, or a nil Counter = the estimate of [estimate.EncodingFor]. A Counter must not
	// keep a text after it returns, because the memory is reused.
	Counter func(group string) estimate.Counter
	// Adjust may change the admission of a request, by its header, its
	// context or members of its body. The request's body has been read. Adjust is called once
	// for a request. An error refuses the request: a
	// [*Refusal] with its own status and message, any other error with 500. Nil = no
	// admission is changed.
	Adjust func(r *http.Request, a *Admission) error
	// Refused may change the header of the answer that reports a refusal by the engine to
	// the client: Retry-After and Retry-After-Ms, which have the RetryAfter of the error, or
	// X-Should-Retry. Nil = no header is changed.
	Refused func(r *http.Request, err *engine.LimitError, h http.Header)
	// MaxBody is the size in bytes of the largest request body that is accepted. A
	// body is read into memory, so that it can be estimated, rewritten and sent
	// again. A larger body is refused with 413. 0 = 8 MiB, at most 64 MiB.
	MaxBody int64
	// MaxAttempts is to how many deployments one request is sent at most;
	// 0 = 3, at most 100. Of the calls on which a provider may have worked before they failed,
	// at most one in ten of a group is sent again, and only once.
	MaxAttempts int
	// Timeouts bound how long a provider may be silent.
	Timeouts Timeouts
	// HoldTime and HoldBytes are for how long, and up to how many bytes, the beginning of an
	// answer with status 200 is held back until it shows content or an error. If it is an
	// error, another deployment is tried. Afterwards the answer is passed on as it arrives.
	// If the answer's type says that it is no stream, its first byte is waited for longer, as the
	// Timeouts allow, because only that byte shows whether it is one.
	// 0 = 2 s and 64 KiB; at most a minute and 4 MiB. A HoldTime below 0 = nothing is held
	// back.
	HoldTime  time.Duration
	HoldBytes int64
	// Client returns the name of the client that sent a request, so that several clients that
	// give up are distinguished from one that gives up often; nil = the address of the request.
	Client func(*http.Request) string
	// Done is called for every attempt when it has ended; for a stream, after the
	// last byte. It is called on the goroutine that ended the attempt, and must not
	// block. Nil = no call.
	Done func(Attempt)
}

// API is the shape of a provider's API.
type API string

// The APIs that an endpoint can have. There is no default.
const (
	// OpenAI is the API of OpenAI and of all providers that are compatible with it. The
	// credential is sent as "Authorization: Bearer".
	OpenAI API = "openai"
	// Azure is the API of Azure OpenAI. With an APIVersion the deployment's name is part of
	// the path; without one it is Azure's v1 API. The credential is sent as
	// "api-key".
	Azure API = "azure"
	// Anthropic is Anthropic's Messages API. The credential is sent as "x-api-key".
	Anthropic API = "anthropic"
)

// Endpoint is the address of a deployment's API, with the parameters of its calls.
type Endpoint struct {
	// API is the shape of the API. Required.
	API API
	// BaseURL is the URL before the path of the API: "https://api.openai.com/v1",
	// "https://name.openai.azure.com", "https://api.anthropic.com". Required. It
	// must not contain a credential.
	BaseURL string
	// Model is the provider's name of the model, on Azure the deployment's name;
	// "" = the name by which the client has named the group. Required with an
	// APIVersion.
	Model string
	// APIVersion is Azure's api-version; "" = the v1 API, which has none.
	APIVersion string
	// Provider is the name of the provider if it is not the owner of the API,
	// such as "groq" for API OpenAI. Its headers and refusals are read by its own rules, and
	// [Profiles] returns its profile. If the name is none of [provider.Names], headers are read
	// by their names alone, and [provider.Unknown] is the rule. "" = the API's owner.
	Provider string
	// Credential returns the key; nil = no credential is sent.
	Credential Credential
	// Bearer sends the credential as "Authorization: Bearer", which the tokens of
	// Entra ID and OAuth need. With API OpenAI the credential is always sent so.
	Bearer bool
	// NoStreamUsage is for servers that do not accept stream_options: streams are
	// requested without usage, so that their reservation stands.
	NoStreamUsage bool
	// MaxInputTokens is the largest prompt that the model accepts, in tokens, and BaseModel the
	// true name of the model if Model is another. A request that is too large for one deployment
	// goes to another only if its MaxInputTokens is larger or its model is another. 0 and "" =
	// unknown.
	MaxInputTokens int64
	BaseModel      string
	// Timeouts are those of the endpoint; zero fields = those of the Config.
	Timeouts Timeouts
	// Defaults are members that are added to a request's body if the client has left them
	// out, such as temperature, by their names in chats. For the
	// Responses API max_tokens and reasoning_effort are renamed to its own members. Embeddings
	// get no members that concern answers.
	Defaults map[string]json.RawMessage
	// Headers are added to a request if the client has sent none of that name. Credentials
	// and headers of a connection are not allowed.
	Headers http.Header
	// PassHeaders are names of further headers of clients that are sent to this endpoint. Every
	// endpoint gets content type and language, user agent, versions and
	// betas of the API, trace and request IDs, and the headers by which SDKs and command lines
	// identify themselves. Credentials and headers of a connection are not allowed.
	PassHeaders []string
}

// problems are the problems of a configuration.
type problems []error

func (p *problems) addf(format string, args ...any) {
	*p = append(*p, fmt.Errorf("transport: "+format, args...))
}

func (c *Config) validate() error {
	var p problems
	if c.Engine == nil {
		p.addf("Engine: is nil; make one with engine.New")
	}
	if c.MaxBody < 0 || c.MaxBody > largestMaxBody {
		p.addf("MaxBody: is %d; use 0 for the default of %d, or up to %d bytes", c.MaxBody, defaultMaxBody, largestMaxBody)
	}
	if c.MaxAttempts < 0 || c.MaxAttempts > largestMaxAttempts {
		p.addf("MaxAttempts: is %d; use 0 for the default of %d, or up to %d", c.MaxAttempts, defaultMaxAttempts, largestMaxAttempts)
	}
	c.Timeouts.validate(&p, "")
	if c.HoldTime > longestHold {
		p.addf("HoldTime: is %s; use 0 for the default of %s, or up to %s", c.HoldTime, defaultHoldTime, longestHold)
	}
	if c.HoldBytes < 0 || c.HoldBytes > largestHold {
		p.addf("HoldBytes: is %d; use 0 for the default of %d, or up to %d", c.HoldBytes, defaultHoldBytes, largestHold)
	}
	if c.Engine != nil {
		p = append(p, validateEndpoints(c.Engine, c.Endpoints)...)
	}
	return errors.Join(p...)
}

func validateEndpoints(e *engine.Engine, endpoints map[string]Endpoint) problems {
	var p problems
	if len(endpoints) == 0 {
		p.addf("Endpoints: is empty; at least one is needed")
	}
	for _, id := range slices.Sorted(maps.Keys(endpoints)) {
		ep := endpoints[id]
		ep.validate(&p, fmt.Sprintf("Endpoints[%q]", id))
	}
	served, known := map[string]string{}, map[string]bool{}
	states := e.AppendStates(nil)
	for i := range states {
		known[states[i].ID] = true
		if _, ok := endpoints[states[i].ID]; ok {
			served[states[i].Group] = states[i].ID
		}
	}
	for i := range states {
		s := &states[i]
		if _, ok := endpoints[s.ID]; !ok && served[s.Group] != "" {
			p.addf("Endpoints[%q]: is missing; group %q has one for %q, so it needs one for each of its deployments", s.ID, s.Group, served[s.Group])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(endpoints)) {
		if !known[id] {
			p.addf("Endpoints[%q]: the engine has no deployment of that ID", id)
		}
	}
	return p
}

func (ep *Endpoint) validate(p *problems, at string) {
	switch ep.API {
	case OpenAI, Anthropic:
		if ep.APIVersion != "" {
			p.addf("%s.APIVersion: is set; only API %q takes one", at, Azure)
		}
	case Azure:
		if ep.APIVersion != "" && ep.Model == "" {
			p.addf("%s.Model: is empty; with an APIVersion the path needs the deployment's name", at)
		}
	case "":
		p.addf("%s.API: is empty; use %q, %q or %q", at, OpenAI, Azure, Anthropic)
	default:
		p.addf("%s.API: %q is unknown; use %q, %q or %q", at, ep.API, OpenAI, Azure, Anthropic)
	}
	// A URL may contain a password, so no message repeats it.
	u, err := url.Parse(ep.BaseURL)
	switch {
	case ep.BaseURL == "":
		p.addf("%s.BaseURL: is empty; give the URL at which the API begins", at)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		p.addf("%s.BaseURL: is no http or https URL with a host", at)
	case u.User != nil:
		p.addf("%s.BaseURL: has a user or password; a key belongs into Credential", at)
	case u.RawQuery != "" || u.Fragment != "":
		p.addf("%s.BaseURL: has a query or a fragment; it must end with the path", at)
	}
	if strings.ContainsFunc(ep.Model, isControl) {
		p.addf("%s.Model: has a control character", at)
	}
	if ep.MaxInputTokens < 0 {
		p.addf("%s.MaxInputTokens: is %d; leave it 0 if it is not known", at, ep.MaxInputTokens)
	}
	ep.Timeouts.validate(p, at+".")
	for name, text := range ep.Defaults {
		if !json.Valid(text) || slices.Contains([]string{"model", "messages", "input", "prompt", "stream", "stream_options"}, name) {
			p.addf("%s.Defaults: %q cannot be a default; use JSON of a member that is neither the model, the prompt nor the stream", at, name)
		}
	}
	for name := range ep.Headers {
		if canonical := http.CanonicalHeaderKey(name); never(canonical) || !headerName(name) {
			p.addf("%s.Headers: %q cannot be set; name a header that is no credential and does not describe a connection", at, name)
		}
	}
	for _, name := range ep.PassHeaders {
		if canonical := http.CanonicalHeaderKey(name); never(canonical) || !headerName(name) {
			p.addf("%s.PassHeaders: %q cannot be passed; name a header that is no credential and does not describe a connection", at, name)
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// headerName reports whether a text is a header's name: letters, digits, - and _.
func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
