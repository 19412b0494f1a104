package serve

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/page"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/metrics"
)

// operators is the handlers for operators: the page and the metrics.
type operators struct {
	page     *page.Page
	registry *prometheus.Registry
	took     *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
}

func newOperators(d *daemon.Daemon, events *server.Events, log *slog.Logger) (*operators, error) {
	mask := func(text string) string { return d.File().Mask(text) }
	note := ""
	if d.Example() {
		note = "The built-in example: its deployments exist nowhere. Give your own by plimsoll serve --config FILE."
	}
	p, err := page.New(page.Config{
		Engine: d.Engine, Syncer: d.Syncer, Accounts: d.Accounts, Mask: mask, Note: note,
		Problem: func() string { return mask(problem(d)) }, Groups: d.Traffic.Sums, Faults: d.Traffic.Faults,
		Tokens: func() []page.Token { return shownTokens(d.TokenStates()) },
		Switch: func(r *http.Request, deployment string, on bool) error {
			ref, err := d.Engine.Ref(deployment)
			if err != nil {
				return err
			}
			ref.SetEnabled(on)
			who := "no token"
			if t := server.CallerOf(r.Context()); t != nil {
				who = t.Name
			}
			log.Warn("a deployment was switched on this node", "deployment", mask(deployment), "enabled", on, "token", who, "remote", r.RemoteAddr)
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	c, err := metrics.New(metrics.Config{Engine: d.Engine, Syncer: d.Syncer, Accounts: d.AppendAccounts, Mask: mask})
	if err != nil {
		return nil, err
	}
	o := &operators{page: p, registry: prometheus.NewRegistry(), took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "plimsoll_http_request_duration_seconds", Help: "How long the daemon took to answer a decision request.",
		Buckets: prometheus.ExponentialBuckets(25e-6, 2, 14), // to 0.2 s
	}, []string{"route"}), calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "plimsoll_proxy_request_duration_seconds", Help: "How long the proxy took to answer a call, to the end of its stream.",
		Buckets: prometheus.ExponentialBuckets(0.05, 2, 14), // to 410 s
	}, []string{"route"})}
	leases := d.API.LeaseStats
	all := []prometheus.Collector{
		c, o.took, o.calls, newTokenMetrics(d.TokenStates), d.Traffic, newDaemonMetrics(d, events), collectors.NewBuildInfoCollector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plimsoll_http_leases", Help: "Leases that clients hold by name, and acquires under way.",
		}, func() float64 { return float64(leases().Held) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "plimsoll_http_leases_expired_total", Help: "Leases that no client ended in time, settled at their reservation.",
		}, func() float64 { return float64(leases().Expired) }),
	}
	for _, c := range all {
		if err := o.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// shownTokens returns the page's view of tokens.
func shownTokens(states []server.TokenState) []page.Token {
	list := make([]page.Token, len(states))
	for i := range states {
		t := &states[i]
		list[i] = page.Token{Name: t.Name, Admitted: t.Admitted, Refused: t.Refused, Failed: t.Failed, State: &t.State, Expires: t.Expires}
	}
	return list
}

// problem returns the page's message about the files; "" = they are in order.
func problem(d *daemon.Daemon) string {
	r := d.Reloads()
	switch {
	case r.Problem != "":
		text, _, cut := strings.Cut(r.Problem, "\n")
		if cut {
			text += " …"
		}
		return "The files were refused at " + r.ProblemAt.UTC().Format("15:04") + " UTC. The previous configuration stays in force. Error: " + text
	case d.FilesMissing():
		return "A file that was read is missing. Its contents stay in force, but a restart would fail. The log names it."
	}
	return ""
}

// register adds the page and the metrics.
func (o *operators) register(mux *http.ServeMux) {
	mux.Handle("GET /{$}", o.page)
	mux.Handle("GET /page/", o.page)
	mux.Handle("POST /page/switch", o.page)
	mux.Handle("GET /page/events", server.Stream(o.page))
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
}

// timed measures the time of decisions and calls. Its label is the mux's route, of
// which there is a fixed number.
func (o *operators) timed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		defer func() { // a call that is broken off ends by a panic
			route, ok := strings.CutPrefix(r.Pattern, "POST ")
			switch {
			case !ok:
			case strings.HasPrefix(route, "/v1/"):
				o.took.WithLabelValues(route).Observe(time.Since(begin).Seconds())
			default:
				o.calls.WithLabelValues(route).Observe(time.Since(begin).Seconds())
			}
		}()
		mux.ServeHTTP(w, r)
	})
}
