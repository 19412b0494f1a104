// Package drive plays traffic against a daemon in real time. For each request it
// acquires a lease, waits as long as the call would take, and settles the lease.
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

// Client is a client of a daemon's API. It is safe for concurrent use.
type Client struct {
	base, token string
	http        *http.Client
}

// answerTime is the time-out of a request to the daemon.
const answerTime = 10 * time.Second

// NewClient returns a client of the daemon at an address: http://host:port,
// https://host:port, or unix:/path. It sends the token unless it is "". An error
// does not repeat the address, which may contain a password.
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

// Token is a token of the daemon, with the outcomes of its requests and its own limits.
type Token struct {
	Name                      string
	Admitted, Refused, Failed int64
	Limits                    []engine.LimitState
}

// Tokens returns the daemon's tokens; none if the client's token lacks the scope admin or
// the daemon does not list them.
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

// do sends a request with the body in, unless it is nil, and parses the answer into out. It
// returns an answer other than 200 as a refusal.
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
		_ = json.Unmarshal(text, &e) // an answer of another server has no type
		e.Error.Status = resp.StatusCode
		if e.Error.Message == "" {
			e.Error.Message = "the answer is not from a plimsoll daemon; check the address"
		}
		return &e.Error, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, errors.New("the answer is not from a plimsoll daemon; check the address")
	}
	return nil, nil
}

// Store returns a short text about how the daemon shares its usage.
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
