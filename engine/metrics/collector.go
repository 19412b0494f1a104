package metrics

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

const (
	defaultMaxDeployments = 500
	defaultMaxCallers     = 500
)

// Config is the configuration of a [Collector].
type Config struct {
	// Engine is required.
	Engine *engine.Engine
	// Syncer is the engine's syncer; nil = the engine shares no usage, and there
	// are no metrics of a syncer.
	Syncer *syncer.Syncer
	// Accounts appends the accounts of limits, with the IDs of the engine; nil =
	// the syncer's AppendAccounts, which is right unless the store has other IDs.
	Accounts func(dst []syncer.Account) []syncer.Account
	// MaxDeployments is how many deployments have metrics of their own: the first
	// ones in the order of [engine.Engine.AppendStates]. 0 = 500; negative = none.
	MaxDeployments int
	// MaxCallers is how many callers have metrics of their own: the first ones in the
	// order of [engine.Engine.AppendCallerStates]. 0 = 500; negative = none.
	MaxCallers int
	// Mask changes IDs, groups and models before they become labels, for
	// configurations in which they may contain secrets. It must be
	// safe for concurrent use. Nil = labels are unchanged. If the IDs of several deployments
	// become equal, a number distinguishes them.
	Mask func(text string) string
}

// Collector is a [prometheus.Collector] of one engine. It is safe for
// concurrent use. Two collectors in one registry need different labels: see
// [prometheus.WrapRegistererWith].
type Collector struct {
	cfg Config

	mu     sync.Mutex // of all fields below: one scrape at a time
	states []engine.State
	names  map[string]int // how many deployments, or callers, of this scrape have the name
	floor  counts
}

// counts are the largest totals of earlier scrapes. The engine reads the parts of a total one
// after the other, so that a total may fall for a moment while requests end, and a counter of
// Prometheus must not.
type counts struct{ tokens, overrun int64 }

// New returns a collector. It returns an error if cfg.Engine is nil.
func New(cfg Config) (*Collector, error) {
	if cfg.Engine == nil {
		return nil, errors.New("metrics: Config.Engine is nil; give the engine to be shown")
	}
	if cfg.MaxDeployments == 0 {
		cfg.MaxDeployments = defaultMaxDeployments
	}
	if cfg.MaxCallers == 0 {
		cfg.MaxCallers = defaultMaxCallers
	}
	return &Collector{cfg: cfg, names: map[string]int{}}, nil
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range deploymentDescs {
		ch <- d
	}
	for _, d := range callerDescs {
		ch <- d
	}
	for _, d := range engineDescs {
		ch <- d
	}
	if c.cfg.Syncer == nil {
		return
	}
	for _, d := range accountDescs {
		ch <- d
	}
	for i := range syncMetrics {
		ch <- syncMetrics[i].desc
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = c.cfg.Engine.AppendStates(c.states[:0])
	stats := c.cfg.Engine.Stats()
	shown := c.states[:min(len(c.states), max(c.cfg.MaxDeployments, 0))]
	c.collectEngine(ch, &stats, len(c.states)-len(shown))
	c.collectDeployments(ch, shown)
	ids := c.accountIDs(shown)
	c.collectCallers(ch)
	for i := range c.states[:cap(c.states)] { // so that strings of removed deployments are not kept in memory
		s := &c.states[:cap(c.states)][i]
		*s = engine.State{Limits: s.Limits[:0]}
	}
	if c.cfg.Syncer == nil {
		return
	}
	c.collectAccounts(ch, ids)
	s := c.cfg.Syncer.Stats()
	for _, m := range syncMetrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&s))
	}
}

// gauge and counter return metrics. They cannot panic, because labels are valid UTF-8 and as
// many as the description has.

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(d *prometheus.Desc, n int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
