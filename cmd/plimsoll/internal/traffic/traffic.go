// Package traffic counts the outcomes of requests by group and by deployment, as metrics.
package traffic

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Traffic counts. It is safe for concurrent use, and a [prometheus.Collector].
type Traffic struct {
	mask func(string) string

	first *prometheus.HistogramVec // by group, which is masked

	mu          sync.RWMutex
	groups      map[string]*group
	deployments map[string]*deployment
}

// group counts the outcomes of a group's requests for admission, and the tokens of its calls.
type group struct {
	admitted, refused, failovers atomic.Int64
	input, output                atomic.Int64 // tokens
}

// deployment counts the answers of a deployment's provider.
type deployment struct {
	group         string
	answers       [kinds]atomic.Int64
	input, output atomic.Int64
}

// kind is the outcome of an attempt.
type kind uint8

const (
	ok kind = iota
	rateLimited
	serverError
	clientError
	timedOut
	unreachable
	kinds
)

var kindNames = [kinds]string{"ok", "rate_limited", "server_error", "client_error", "timeout", "unreachable"}

// New returns a Traffic without groups. Mask hides secrets in names; nil = names contain
// no secrets.
func New(mask func(string) string) *Traffic {
	if mask == nil {
		mask = func(text string) string { return text }
	}
	return &Traffic{mask: mask, first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "plimsoll_group_first_token_seconds", Help: "Time from sending a streamed call of each group to the first content of its answer.",
		Buckets: prometheus.ExponentialBuckets(0.05, 2, 11), // to 51 s
	}, []string{"group"})}
}

// Apply sets the groups and deployments to count by a configuration. Those that stay keep
// their counts; those that go lose their series.
func (t *Traffic) Apply(list []engine.Deployment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	groups, deployments := map[string]*group{}, make(map[string]*deployment, len(list))
	for i := range list {
		d := &list[i]
		if groups[d.Group] == nil {
			if groups[d.Group] = t.groups[d.Group]; groups[d.Group] == nil {
				groups[d.Group] = &group{}
			}
		}
		if old := t.deployments[d.ID]; old != nil && old.group == d.Group {
			deployments[d.ID] = old
		} else {
			deployments[d.ID] = &deployment{group: d.Group}
		}
	}
	for name := range t.groups {
		if groups[name] == nil {
			t.first.DeleteLabelValues(t.mask(name))
		}
	}
	t.groups, t.deployments = groups, deployments
}

// Admitted counts a request that a group has admitted.
func (t *Traffic) Admitted(name string) { t.count(name, func(g *group) { g.admitted.Add(1) }) }

// Refused counts a request that a limit of a group has refused.
func (t *Traffic) Refused(name string) { t.count(name, func(g *group) { g.refused.Add(1) }) }

func (t *Traffic) count(name string, add func(*group)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if g := t.groups[name]; g != nil {
		add(g)
	}
}

// Attempted counts an attempt at a deployment.
func (t *Traffic) Attempted(a transport.Attempt) {
	if a.Number == 1 {
		t.Admitted(a.Group)
	} else {
		t.count(a.Group, func(g *group) { g.failovers.Add(1) })
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := t.deployments[a.Deployment]
	if d == nil {
		return
	}
	d.answers[kindOf(&a)].Add(1)
	g := t.groups[d.group]
	if a.FirstToken > 0 {
		t.first.WithLabelValues(t.mask(d.group)).Observe(a.FirstToken.Seconds())
	}
	if a.Ending == transport.Settled {
		d.input.Add(a.Usage.InputTokens)
		d.output.Add(a.Usage.OutputTokens)
		g.input.Add(a.Usage.InputTokens)
		g.output.Add(a.Usage.OutputTokens)
	}
}

func kindOf(a *transport.Attempt) kind {
	switch {
	case a.Err != nil:
		if e, is := errors.AsType[net.Error](a.Err); is && e.Timeout() || errors.Is(a.Err, context.DeadlineExceeded) {
			return timedOut
		}
		return unreachable
	case a.Status == 429:
		return rateLimited
	case a.Status >= 500:
		return serverError
	case a.Status >= 400:
		return clientError
	}
	return ok
}

var (
	groupDesc    = prometheus.NewDesc("plimsoll_group_requests_total", "Requests for admission of each group, by outcome: admitted, or refused by a limit.", []string{"group", "outcome"}, nil)
	failoverDesc = prometheus.NewDesc("plimsoll_group_failovers_total", "Attempts of the proxy after the first one of a request.", []string{"group"}, nil)
	answersDesc  = prometheus.NewDesc("plimsoll_deployment_answers_total", "Attempts of the proxy at each deployment, by the kind of the provider's answer. Absent until it did.", []string{"deployment", "group", "kind"}, nil)
	usedDesc     = prometheus.NewDesc("plimsoll_group_tokens_total", "Tokens of each group's calls through the proxy, as reported by providers.", []string{"group", "direction"}, nil)
	spentDesc    = prometheus.NewDesc("plimsoll_deployment_tokens_total", "Tokens of each deployment's calls through the proxy, as reported by providers.", []string{"deployment", "group", "direction"}, nil)
)

// Describe implements [prometheus.Collector].
func (t *Traffic) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{groupDesc, failoverDesc, answersDesc, usedDesc, spentDesc} {
		c <- d
	}
	t.first.Describe(c)
}

// Collect implements [prometheus.Collector]. Names that are the same once masked are
// shown once.
func (t *Traffic) Collect(c chan<- prometheus.Metric) {
	t.first.Collect(c)
	t.mu.RLock()
	defer t.mu.RUnlock()
	send := func(d *prometheus.Desc, v int64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	seen := map[string]bool{}
	for name, g := range t.groups {
		shown := t.mask(name)
		if seen[shown] {
			continue
		}
		seen[shown] = true
		send(groupDesc, g.admitted.Load(), shown, "admitted")
		send(groupDesc, g.refused.Load(), shown, "refused")
		send(failoverDesc, g.failovers.Load(), shown)
		send(usedDesc, g.input.Load(), shown, "input")
		send(usedDesc, g.output.Load(), shown, "output")
	}
	clear(seen)
	for id, d := range t.deployments {
		shown, called := t.mask(id), false
		for k := range d.answers {
			called = called || d.answers[k].Load() > 0
		}
		if seen[shown] || !called { // deployments that are never called have no series
			continue
		}
		seen[shown] = true
		group := t.mask(d.group)
		for k := range d.answers {
			if n := d.answers[k].Load(); n > 0 { // kinds that never occur have no series
				send(answersDesc, n, shown, group, kindNames[k])
			}
		}
		send(spentDesc, d.input.Load(), shown, group, "input")
		send(spentDesc, d.output.Load(), shown, group, "output")
	}
}

// Sums calls each with the number of requests that each group has admitted and refused so
// far.
func (t *Traffic) Sums(each func(group string, admitted, refused int64)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for name, g := range t.groups {
		each(name, g.admitted.Load(), g.refused.Load())
	}
}

// Faults calls each with the number of attempts at each deployment that its provider has
// refused, and that failed, so far.
func (t *Traffic) Faults(each func(deployment string, refused, failed int64)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for id, d := range t.deployments {
		each(id, d.answers[rateLimited].Load(), d.answers[serverError].Load()+d.answers[timedOut].Load()+d.answers[unreachable].Load())
	}
}
