package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// tokenMetrics are the outcomes of each token's requests. A file has at most 1000 tokens,
// which bounds the series.
type tokenMetrics struct {
	states   func() []server.TokenState
	requests *prometheus.Desc
}

func newTokenMetrics(states func() []server.TokenState) *tokenMetrics {
	return &tokenMetrics{states, prometheus.NewDesc("plimsoll_token_requests_total",
		"Requests of each token by outcome: admitted, refused (429), or failed.", []string{"token", "outcome"}, nil)}
}

// Describe implements [prometheus.Collector].
func (m *tokenMetrics) Describe(c chan<- *prometheus.Desc) { c <- m.requests }

// Collect implements [prometheus.Collector].
func (m *tokenMetrics) Collect(c chan<- prometheus.Metric) {
	for _, t := range m.states() {
		for _, of := range []struct {
			outcome string
			n       int64
		}{{"admitted", t.Admitted}, {"refused", t.Refused}, {"failed", t.Failed}} {
			c <- prometheus.MustNewConstMetric(m.requests, prometheus.CounterValue, float64(of.n), t.Name, of.outcome)
		}
	}
}
