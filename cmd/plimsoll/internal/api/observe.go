package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// maxHeaders is how many headers of an answer are taken.
const maxHeaders = 500

// observeBody is what a provider answered.
type observeBody struct {
	Deployment string            `json:"deployment"` // one of the two
	Lease      string            `json:"lease"`
	Status     int64             `json:"status"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Provider   string            `json:"provider"` // "" = what the deployment's model begins with
}

// observeAnswer is what was understood of it.
type observeAnswer struct {
	Deployment   string      `json:"deployment"`
	Kind         string      `json:"kind"`
	RetryAfterMS int64       `json:"retry_after_ms,omitzero"`
	Limits       []limitRead `json:"limits"`
}

// limitRead is what an answer told of a limit.
type limitRead struct {
	Name      string `json:"name"`
	Limit     int64  `json:"limit,omitzero"`
	Remaining *int64 `json:"remaining,omitempty"`
	ResetMS   int64  `json:"reset_ms,omitzero"`
}

// observe is POST /v1/observe. A lease goes on being held.
func (a *API) observe(in *observeBody, out *observeAnswer) *problem {
	switch {
	case in.Deployment == "" && in.Lease == "":
		return invalid("deployment", "is missing; name the deployment that answered, or the lease of its call")
	case in.Deployment != "" && in.Lease != "":
		return invalid("lease", "goes without deployment; leave one out")
	case in.Status < 100 || in.Status > 599:
		return invalidf("status", "is %d; want the HTTP status of the answer, 100 to 599", in.Status)
	case len(in.Headers) > maxHeaders:
		return invalidf("headers", "has %d; at most %d", len(in.Headers), maxHeaders)
	}
	if in.Lease == "" {
		s := a.read(in, in.Deployment)
		if err := a.engine.Observe(in.Deployment, s); err != nil {
			return a.refusal(err)
		}
		out.tell(in.Deployment, &s)
		return nil
	}
	number, p := a.numberOf(in.Lease)
	if p != nil {
		return p
	}
	// Twice, because reading takes long for a lock that other leases share.
	var id string
	held := a.leases.use(number, func(l *engine.Lease) { id = l.Ref().ID() })
	if held {
		s := a.read(in, id)
		out.tell(id, &s)
		held = a.leases.use(number, func(l *engine.Lease) { l.Observe(s) })
	}
	if !held {
		return &problem{
			status: http.StatusConflict, kind: "lease_ended", field: "lease",
			message: "lease: has ended; observe before settle, or name the deployment",
		}
	}
	return nil
}

// read reads what a deployment's provider answered.
func (a *API) read(in *observeBody, deployment string) provider.Signal {
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

// names of limits are those of refusals.
var readingNames = [provider.Limits]engine.Limit{
	provider.Requests: engine.LimitRPM, provider.Tokens: engine.LimitTPM,
	provider.InputTokens: engine.LimitInputTPM, provider.OutputTokens: engine.LimitOutputTPM,
	provider.DayRequests: engine.LimitRPD, provider.DayTokens: engine.LimitTPD,
}

// tell fills in what was understood.
func (o *observeAnswer) tell(deployment string, s *provider.Signal) {
	o.Deployment, o.Kind, o.RetryAfterMS = deployment, strings.ReplaceAll(s.Kind.String(), " ", "_"), wholeMS(s.RetryAfter)
	for i := range s.Readings {
		r := &s.Readings[i]
		if *r == (provider.Reading{}) {
			continue
		}
		told := limitRead{Name: readingNames[i].String(), Limit: r.Limit, ResetMS: wholeMS(r.Reset)}
		if r.Told {
			told.Remaining = &r.Remaining
		}
		o.Limits = append(o.Limits, told)
	}
}
