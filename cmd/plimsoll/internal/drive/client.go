// Package drive plays traffic against a daemon, in real time: for each request
// it acquires a lease, waits as long as the call would take, and settles.
package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Client speaks to a daemon.
type Client struct {
	base, token string
	http        *http.Client
}

// answerTime is how long the daemon may take for an answer.
const answerTime = 10 * time.Second

// NewClient returns a client of the daemon at an address: http://host:port,
// https://host:port, or unix:/path. The token is sent if it is not empty. An
// error does not repeat the address, which may hold a password.
func NewClient(address, token string) (*Client, error) {
	t := &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}
	c := &Client{base: strings.TrimSuffix(address, "/"), token: token, http: &http.Client{Transport: t, Timeout: answerTime}}
	if path, ok := strings.CutPrefix(address, "unix:"); ok && path != "" {
		c.base = "http://localhost"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
		return c, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, errors.New("want the address of a daemon: http://host:port, https://host:port or unix:/path")
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// States returns the daemon's deployments.
func (c *Client) States(ctx context.Context) ([]engine.State, error) {
	var out struct{ Deployments []engine.State }
	if r, err := c.do(ctx, http.MethodGet, "/v1/deployments", nil, &out); err != nil {
		return nil, err
	} else if r != nil {
		return nil, fmt.Errorf("the daemon answered %d: %s", r.Status, r.Message)
	}
	return out.Deployments, nil
}

// Token is a token of the daemon, with what came of its requests and its own limits.
type Token struct {
	Name                      string
	Admitted, Refused, Failed int64
	Limits                    []engine.LimitState
}

// Tokens returns the daemon's tokens. There are none for a client whose token lacks the
// scope admin, and of a daemon that does not list them.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var out struct{ Tokens []Token }
	switch r, err := c.do(ctx, http.MethodGet, "/v1/admin/tokens", nil, &out); {
	case err != nil:
		return nil, err
	case r != nil && (r.Status == http.StatusForbidden || r.Status == http.StatusNotFound):
		return nil, nil
	case r != nil:
		return nil, fmt.Errorf("the daemon answered %d: %s", r.Status, r.Message)
	}
	return out.Tokens, nil
}

// refusal is an answer other than 200.
type refusal struct {
	Status               int
	Type, Message, Limit string
}

// do sends a body, if there is one, and takes in the answer or the refusal.
func (c *Client) do(ctx context.Context, method, path string, in, out any) (*refusal, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var e struct{ Error refusal }
		_ = json.Unmarshal(text, &e) // what is not of a daemon has no type
		e.Error.Status = resp.StatusCode
		return &e.Error, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, errors.New("the answer is none of a plimsoll daemon")
	}
	return nil, nil
}

// Store says in a few words how the daemon shares its usage.
func (c *Client) Store(ctx context.Context) (string, error) {
	var ready struct {
		Store struct {
			State       string
			StalenessMS int64 `json:"staleness_ms"`
			Nodes       int
		}
	}
	r, err := c.do(ctx, http.MethodGet, "/readyz", nil, &ready)
	switch s := ready.Store; {
	case err != nil:
		return "", err
	case r != nil && r.Status == http.StatusServiceUnavailable:
		return "the daemon is about to stop", nil
	case r != nil:
		return "", fmt.Errorf("the daemon answered %d: %s", r.Status, r.Message)
	case s.State == "none":
		return "usage is not shared", nil
	case s.State == "connected":
		return fmt.Sprintf("store in step, nodes: %d, %d ms behind", s.Nodes, s.StalenessMS), nil
	default:
		return "store " + s.State, nil
	}
}
