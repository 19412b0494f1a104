package serve

import (
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// tokenMetrics counts what tokens were let through with. Names are those of the file
// of tokens, of which there are at most 1000 at a time; one that has gone leaves.
type tokenMetrics struct {
	tokens   func() *server.Tokens
	answered *prometheus.CounterVec

	mu    sync.Mutex
	known map[string]bool
}

func newTokenMetrics(tokens func() *server.Tokens) *tokenMetrics {
	return &tokenMetrics{tokens: tokens, known: map[string]bool{}, answered: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "plimsoll_token_requests_total", Help: "Requests of each token by what came of them: admitted, refused (429), or failed.",
	}, []string{"token", "outcome"})}
}

// seen is a [server.Guard.Seen].
func (m *tokenMetrics) seen(t *server.Token, status int) {
	outcome := "admitted"
	switch {
	case status == http.StatusTooManyRequests:
		outcome = "refused"
	case status >= http.StatusBadRequest:
		outcome = "failed"
	}
	m.answered.WithLabelValues(t.Name, outcome).Inc()
}

// Describe implements [prometheus.Collector].
func (m *tokenMetrics) Describe(c chan<- *prometheus.Desc) { m.answered.Describe(c) }

// Collect implements [prometheus.Collector].
func (m *tokenMetrics) Collect(c chan<- prometheus.Metric) {
	m.forget()
	m.answered.Collect(c)
}

// forget removes the series of tokens that have gone.
func (m *tokenMetrics) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := map[string]bool{}
	for _, t := range m.tokens().All() {
		now[t.Name] = true
	}
	for name := range m.known {
		if !now[name] {
			m.answered.DeletePartialMatch(prometheus.Labels{"token": name})
		}
	}
	m.known = now
}
