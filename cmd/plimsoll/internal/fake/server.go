package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Config configures a server.
type Config struct {
	Accounts []Account        // empty = [Default]
	Now      func() time.Time // nil = the system's clock
	// Latency is how long an answer takes to begin. A stream then has a piece every
	// tenth of it.
	Latency time.Duration
	// Window is how long a minute of a limit takes; 0 = a minute. Hours and days shrink
	// likewise, and so do the waits that headers and refusals name.
	Window time.Duration
}

// Server answers for all accounts: the first part of a path is the account's name. It
// is safe for concurrent use.
type Server struct {
	cfg      Config
	accounts map[string]*account
}

// New returns a server, or an error that names what is wrong with an account.
func New(cfg Config) (*Server, error) {
	if len(cfg.Accounts) == 0 {
		cfg.Accounts = Default
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Window == 0 {
		cfg.Window = time.Minute
	}
	if cfg.Window < time.Second || cfg.Window > time.Minute {
		return nil, fmt.Errorf("window %v: want a time from 1s to 1m", cfg.Window)
	}
	s := &Server{cfg: cfg, accounts: map[string]*account{}}
	p := pace{from: cfg.Now(), times: int64(time.Minute / cfg.Window)}
	for _, a := range cfg.Accounts {
		made, err := newAccount(a, p)
		if err != nil {
			return nil, err
		}
		if s.accounts[a.Name] != nil {
			return nil, fmt.Errorf("account %q stands twice", a.Name)
		}
		s.accounts[a.Name] = made
	}
	return s, nil
}

// Counts returns what each account has done.
func (s *Server) Counts() map[string]Count {
	out := map[string]Count{}
	for name, a := range s.accounts {
		a.mu.Lock()
		out[name] = a.served
		a.mu.Unlock()
	}
	return out
}

// asked is the part of a request that the fake reads.
type asked struct {
	Model          string
	Stream         bool
	MaxTokens      int64           `json:"max_tokens"`
	MaxCompletion  int64           `json:"max_completion_tokens"`
	MaxOutput      int64           `json:"max_output_tokens"`
	Previous       string          `json:"previous_response_id"`
	Tools          []tool          `json:"tools"`
	ToolChoice     json.RawMessage `json:"tool_choice"`
	Messages       []turn          `json:"messages"`
	Input          json.RawMessage `json:"input"`
	ResponseFormat format          `json:"response_format"`
	Text           struct{ Format format }
	StreamOptions  struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type turn struct{ Role string }

type tool struct {
	Name     string
	Function struct{ Name string }
}

func (t tool) name() string {
	if t.Function.Name != "" {
		return t.Function.Name
	}
	return t.Name
}

// format is a structured output.
type format struct {
	Type       string
	Schema     json.RawMessage
	JSONSchema struct{ Schema json.RawMessage } `json:"json_schema"`
}

// maxAsked is the size in bytes of the largest body.
const maxAsked = 64 << 20

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if name == "counts" && path == "" {
		writeJSON(w, http.StatusOK, s.Counts())
		return
	}
	a := s.accounts[name]
	if a == nil {
		fault(w, http.StatusNotFound, "not_found", fmt.Sprintf("there is no account %q here", name))
		return
	}
	path = "/" + path
	if i := strings.Index(path, "/deployments/"); i >= 0 { // Azure's older paths
		_, rest, _ := strings.Cut(path[i+len("/deployments/"):], "/")
		path = "/" + rest
	}
	for _, base := range []string{"/openai/v1", "/openai", "/v1"} {
		path = strings.TrimPrefix(path, base)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAsked))
	if err != nil {
		fault(w, http.StatusBadRequest, "invalid_request_error", "the body could not be read")
		return
	}
	if s.about(w, r, a, path, body) {
		return
	}
	var in asked
	if err := read(r, body, &in); err != nil {
		fault(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	s.call(w, r, a, path, &in, body)
}

// read reads a body in JSON, or the model of a form.
func read(r *http.Request, body []byte, in *asked) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		r.Body = io.NopCloser(bytes.NewReader(body))
		var form *multipart.Form
		if err := r.ParseMultipartForm(maxAsked); err == nil {
			form = r.MultipartForm
		}
		if form == nil || len(form.Value["model"]) == 0 {
			return fmt.Errorf("you must provide a model parameter")
		}
		in.Model = form.Value["model"][0]
		return nil
	}
	if json.Unmarshal(body, in) != nil {
		return fmt.Errorf("we could not parse the JSON body of your request")
	}
	if in.Model == "" {
		return fmt.Errorf("you must provide a model parameter")
	}
	return nil
}

// about answers requests that cost nothing: models, counts of tokens, batches of messages, and
// stored responses.
func (s *Server) about(w http.ResponseWriter, r *http.Request, a *account, path string, body []byte) bool {
	switch {
	case path == "/models" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{"id": "fake", "object": "model", "created": 1, "owned_by": a.Name}}})
	case path == "/messages/count_tokens":
		writeJSON(w, http.StatusOK, map[string]any{"input_tokens": tokens(int64(len(body)))})
	case path == "/messages/batches" || strings.HasPrefix(path, "/messages/batches/"):
		s.messageBatches(w, r, a, path, body)
	case path == "/responses/input_tokens":
		writeJSON(w, http.StatusOK, map[string]any{"object": "response.input_tokens", "input_tokens": tokens(int64(len(body)))})
	case strings.HasPrefix(path, "/responses/") && path != "/responses/compact":
		id, action, _ := strings.Cut(strings.TrimPrefix(path, "/responses/"), "/")
		before, ok := a.find(id, r.Method == http.MethodDelete)
		switch {
		case !ok:
			fault(w, http.StatusNotFound, "invalid_request_error", fmt.Sprintf("Response with id '%s' not found.", id))
		case r.Method == http.MethodDelete:
			writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "response", "deleted": true})
		case action == "input_items":
			writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{}, "has_more": false, "first_id": nil, "last_id": nil})
		default:
			writeJSON(w, http.StatusOK, responseOf(id, before, "fake", "stored", nil, usage{}, "completed"))
		}
	default:
		return false
	}
	return true
}

// outWish is the part of a prompt that sets the answer's number of tokens: "out=120".
var outWish = regexp.MustCompile(`out=(\d{1,6})`)

// call answers a request that counts towards the limits.
func (s *Server) call(w http.ResponseWriter, r *http.Request, a *account, path string, in *asked, body []byte) {
	u := usage{in: tokens(int64(len(body))), out: 24}
	if m := outWish.FindSubmatch(body); m != nil {
		u.out, _ = strconv.ParseInt(string(m[1]), 10, 64)
	}
	most := max(in.MaxTokens, in.MaxCompletion, in.MaxOutput)
	if most > 0 {
		u.out = min(u.out, most)
	}
	switch path {
	case "/embeddings":
		u.out = 0
	case "/moderations", "/rerank", "/audio/speech", "/audio/transcriptions", "/audio/translations": // they have no tokens
		u = usage{}
	}
	c := rule.Call{Input: u.in, Output: u.out, MaxOutput: max(most, u.out), Model: in.Model}
	admitted := s.cfg.Now()
	headers, status, refusal := a.admit(admitted, c)
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("X-Request-Id", fmt.Sprintf("req_%s_%d", a.Name, admitted.UnixNano()))
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(refusal)
		return
	}
	defer func() { a.end(s.cfg.Now(), admitted, c) }()
	if !s.pause(r, s.cfg.Latency) {
		return
	}
	s.answer(w, r, a, path, in, u)
}

// pause waits; false if the client has gone.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return r.Context().Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// tokens is what the fake counts for a body: one for 4 bytes.
func tokens(size int64) int64 { return max((size+3)/4, 1) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// fault answers with an error that OpenAI's and Anthropic's clients understand.
func fault(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message, "param": nil, "code": nil}})
}
