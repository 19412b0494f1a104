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

// Config configures a Transport. [New] says what is wrong with it.
type Config struct {
	// Engine decides which deployment a request goes to. Required.
	Engine *engine.Engine
	// Endpoints says, by the ID of a deployment, where it is. A group of which
	// one deployment has an endpoint needs one for each; groups without any are
	// not served.
	Endpoints map[string]Endpoint
	// Base sends the requests; nil = an [http.Transport] for many requests to few
	// hosts. What it sends carries the deployments' credentials, so a Base that
	// logs headers logs them too.
	Base http.RoundTripper
	// Counter returns what counts the tokens of a prompt for the group of that
	// name; nil, or a nil Counter = the estimate of [estimate.EncodingFor]. It must not
	// keep a text that it was given: the memory is used again.
	Counter func(group string) estimate.Counter
	// Adjust may change how a request is admitted before it is: by its header, its
	// context or members of its body. The request's body has been read. It is called once
	// for a request, from many goroutines at once. An error refuses the request: a
	// [*Refusal] with its own status and message, any other with 500. Nil = nothing is
	// changed.
	Adjust func(r *http.Request, a *Admission) error
	// Refused may change the header of an answer by which the engine's refusal is reported to
	// the client: Retry-After and Retry-After-Ms, which say the time of the error, or
	// X-Should-Retry. Nil = nothing is changed.
	Refused func(r *http.Request, err *engine.LimitError, h http.Header)
	// MaxBody is the size in bytes of the largest request body that is accepted. A
	// body is read into memory, so that it can be estimated, rewritten and sent
	// again; a larger one is refused with 413. 0 = 8 MiB, at most 64 MiB.
	MaxBody int64
	// MaxAttempts is how many deployments one request is sent to at most;
	// 0 = 3, at most 100. Of calls that a provider may have worked on before they failed
	// at most one in ten of a group is sent again, once.
	MaxAttempts int
	// Timeouts bound how long a provider may be silent.
	Timeouts Timeouts
	// HoldTime and HoldBytes are how long the beginning of an answer with status 200 is
	// held back, and how many bytes of it, until it shows content or an error: an error is
	// then tried elsewhere. After that all of it is passed on as it comes. 0 = 2 s and
	// 64 KiB; at most a minute and 4 MiB; a HoldTime below 0 = nothing is held back.
	HoldTime  time.Duration
	HoldBytes int64
	// Client names who sent a request, so that several who give up are distinguished from one who
	// does so often; nil = the address of the request.
	Client func(*http.Request) string
	// Done is called for every attempt when it has ended: for a stream, after its
	// last byte. It is called on the goroutine that ended the attempt, from many
	// at once, and must not block. Nil = no call.
	Done func(Attempt)
}

// API is the shape of a provider's API.
type API string

// The APIs that an endpoint can have. There is no default.
const (
	// OpenAI is OpenAI's, and that of everything compatible with it: the
	// credential is sent as "Authorization: Bearer".
	OpenAI API = "openai"
	// Azure is Azure OpenAI's: with an APIVersion the deployment's name is part of
	// the path, without one it is Azure's v1 API. The credential is sent as
	// "api-key".
	Azure API = "azure"
	// Anthropic is Anthropic's Messages API: the credential is sent as "x-api-key".
	Anthropic API = "anthropic"
)

// Endpoint says where a deployment is and how it is called.
type Endpoint struct {
	// API is the shape of its API. Required.
	API API
	// BaseURL is where the API begins: "https://api.openai.com/v1",
	// "https://name.openai.azure.com", "https://api.anthropic.com". Required. It
	// holds no credential.
	BaseURL string
	// Model is what the provider calls the model, on Azure the deployment's name;
	// "" = the name by which the client asked for the group. Required with an
	// APIVersion.
	Model string
	// APIVersion is Azure's api-version; "" = the v1 API, which needs none.
	APIVersion string
	// Provider names who answers, where that is neither OpenAI nor the API's owner,
	// such as "groq": its headers and refusals are read as its own, and [Profiles]
	// takes its rule. Of others than [provider.Names] headers are read by their
	// names alone, and [provider.Unknown] is the rule. "" = the API's owner.
	Provider string
	// Credential returns the key; nil = none is sent.
	Credential Credential
	// Bearer sends the credential as "Authorization: Bearer", as the tokens of
	// Entra ID and OAuth are; OpenAI's is sent that way in any case.
	Bearer bool
	// NoStreamUsage is for servers that do not know stream_options: streams are not
	// asked for usage, so that what was reserved for them stands.
	NoStreamUsage bool
	// MaxInputTokens is the largest prompt that the model takes, and BaseModel what the
	// model is, whatever Model calls it: a request that is too large for one deployment
	// goes to another only if that may be larger. 0 and "" = not known.
	MaxInputTokens int64
	BaseModel      string
	// Timeouts are those of the endpoint; zero fields = those of the Config.
	Timeouts Timeouts
	// Defaults are members of a request's body that the client may leave out, by their
	// names in chats, such as temperature: added where the body does not have them. The
	// Responses API gets max_tokens and reasoning_effort by its own names for them, and
	// embeddings get none that are of answers.
	Defaults map[string]json.RawMessage
	// Headers are added to a request whose client sends none of that name. Credentials
	// and headers of a connection cannot be named.
	Headers http.Header
	// PassHeaders names headers of clients that travel to this endpoint, beside those
	// that travel to every one: content type and language, user agent, versions and
	// betas of the API, trace and request ids, and what the SDKs and command lines say
	// of themselves. Credentials and headers of a connection cannot be named.
	PassHeaders []string
}

// problems collects what is wrong with a configuration.
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
	// A URL may hold a password, so no message repeats it.
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
