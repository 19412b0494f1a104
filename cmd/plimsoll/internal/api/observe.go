package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// maxHeaders is the largest number of headers of an observed answer.
const maxHeaders = 500

// observeBody is a provider's answer, reported by a client.
type observeBody struct {
	Deployment string `json:"deployment"` // either this or Lease
	Lease      string `json:"lease"`
	Status     int64  `json:"status"`
	Headers    texts  `json:"headers"`
	Body       string `json:"body"`
	Provider   string `json:"provider"` // "" = what the deployment's model begins with
}

// observeAnswer is what the daemon has understood of it.
type observeAnswer struct {
	Deployment   string      `json:"deployment"`
	Kind         string      `json:"kind"`
	RetryAfterMS int64       `json:"retry_after_ms,omitzero"`
	Limits       []limitRead `json:"limits"`
}

// limitRead is the reported figures of one limit.
type limitRead struct {
	Name      string `json:"name"`
	Limit     int64  `json:"limit,omitzero"`
	Remaining *int64 `json:"remaining,omitempty"`
	ResetMS   int64  `json:"reset_ms,omitzero"`
}

// observe is POST /v1/observe. It does not end the lease.
func (a *API) observe(who *server.Token, in *observeBody, out *observeAnswer) *problem {
	switch {
	case in.Deployment == "" && in.Lease == "":
		return invalid("deployment", "is missing; name the deployment that answered, or the lease of its call")
	case in.Deployment != "" && in.Lease != "":
		return invalid("lease", "and deployment exclude each other; leave one out")
	case in.Status < 100 || in.Status > 599:
		return invalidf("status", "is %d; want the HTTP status of the answer, 100 to 599", in.Status)
	}
	if in.Lease == "" {
		if p := a.mayUse(who, in.Deployment); p != nil {
			return p
		}
		s := a.understand(in, in.Deployment)
		if err := a.engine.Observe(in.Deployment, moderated(s)); err != nil {
			return a.refusal(err)
		}
		out.fill(in.Deployment, &s)
		return nil
	}
	number, p := a.numberOf(in.Lease)
	if p != nil {
		return p
	}
	// The lease is looked up twice: reading the answer takes too long for a lock that other
	// leases share.
	var id string
	held := a.leases.use(number, ownerOf(who), func(l *engine.Lease) { id = l.Ref().ID() })
	if held {
		s := a.understand(in, id)
		out.fill(id, &s)
		held = a.leases.use(number, ownerOf(who), func(l *engine.Lease) { l.Observe(moderated(s)) })
	}
	if !held {
		return &problem{
			status: http.StatusConflict, kind: "lease_ended", field: "lease",
			message: "lease: has ended; observe before settle, or name the deployment",
		}
	}
	return nil
}

// understand parses the answer of a deployment's provider.
func (a *API) understand(in *observeBody, deployment string) provider.Signal {
	name := in.Provider
	if name == "" {
		name, _, _ = strings.Cut(a.Model(deployment), "/")
	}
	headers := make(map[string]string, len(in.Headers))
	for k, v := range in.Headers {
		headers[strings.ToLower(k)] = v
	}
	return provider.Read(provider.Answer{
		Provider: name, Status: int(in.Status), Body: []byte(in.Body), At: time.Unix(0, a.clock.Read()),
		Header: func(name string) string { return headers[strings.ToLower(name)] },
	})
}

// Longest cooldowns that a report of one client begins for all clients: by itself, and where
// the provider has named a time.
const (
	longestWord  = time.Minute
	longestNamed = 24 * time.Hour
)

// moderated bounds the cooldown of a signal that a client has reported.
func moderated(s provider.Signal) provider.Signal {
	if s.Kind == provider.NoMoney && s.RetryAfter == 0 {
		s.Kind, s.RetryAfter = provider.RateLimit, longestWord
	}
	s.RetryAfter = min(s.RetryAfter, longestNamed)
	return s
}

// fill copies a signal into the answer.
func (o *observeAnswer) fill(deployment string, s *provider.Signal) {
	o.Deployment, o.Kind, o.RetryAfterMS = deployment, strings.ReplaceAll(s.Kind.String(), " ", "_"), wholeMS(s.RetryAfter)
	for l, r := range s.Readings() {
		read := limitRead{Name: l.String(), Limit: r.Limit, ResetMS: wholeMS(r.Reset)}
		if r.HasRemaining {
			read.Remaining = &r.Remaining
		}
		o.Limits = append(o.Limits, read)
	}
}
