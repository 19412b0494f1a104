package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// daemonMetrics are the metrics of the daemon itself.
type daemonMetrics struct {
	daemon                      *daemon.Daemon
	events                      *server.Events
	problems, reloads           *prometheus.Desc
	lastReload, succeeded, lost *prometheus.Desc
}

func newDaemonMetrics(d *daemon.Daemon, events *server.Events) *daemonMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &daemonMetrics{
		daemon: d, events: events,
		problems:   desc("plimsoll_http_problems_total", "Problems with connections and requests, by kind; the log has details.", "kind"),
		reloads:    desc("plimsoll_config_reloads_total", "Times that the configuration was read again, by outcome: taken or refused.", "outcome"),
		lastReload: desc("plimsoll_config_last_reload_timestamp_seconds", "When the configuration that is in force was read."),
		succeeded:  desc("plimsoll_config_last_reload_successful", "Whether the latest reading of the configuration could be taken: 1 or 0."),
		lost:       desc("plimsoll_config_file_missing", "Whether a file that was read is missing: 1 or 0."),
	}
}

// Describe implements [prometheus.Collector].
func (m *daemonMetrics) Describe(c chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, c) }

// Collect implements [prometheus.Collector].
func (m *daemonMetrics) Collect(c chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	m.events.Counts(func(e server.Event, n int64) { send(m.problems, prometheus.CounterValue, float64(n), e.String()) })
	r := m.daemon.Reloads()
	send(m.reloads, prometheus.CounterValue, float64(r.Taken), "taken")
	send(m.reloads, prometheus.CounterValue, float64(r.Refused), "refused")
	send(m.lastReload, prometheus.GaugeValue, float64(r.Last.UnixNano())/1e9)
	send(m.succeeded, prometheus.GaugeValue, oneIf(r.Problem == ""))
	send(m.lost, prometheus.GaugeValue, oneIf(m.daemon.FilesMissing()))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
