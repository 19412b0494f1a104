package metrics

import "github.com/prometheus/client_golang/prometheus"

var (
	callerUsageDesc = callerDesc("usage", "Requests, tokens or calls of the caller that count towards its limit in the current window, reservations included; in_flight is this node's alone.")
	callerLimitDesc = callerDesc("limit", "The caller's limit.")
	callerDescs     = []*prometheus.Desc{callerUsageDesc, callerLimitDesc}
)

func callerDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("plimsoll_caller_"+name, help, []string{"caller", "limit"}, nil)
}

// collectCallers sends the usage and the limits of callers.
func (c *Collector) collectCallers(ch chan<- prometheus.Metric) {
	c.states = c.cfg.Engine.AppendCallerStates(c.states[:0])
	clear(c.names)
	for i := range c.states[:min(len(c.states), max(c.cfg.MaxCallers, 0))] {
		s := &c.states[i]
		id := c.unique(c.label(s.ID))
		for _, l := range s.Limits {
			if l.Max != 0 {
				name := l.Limit.String()
				ch <- gauge(callerUsageDesc, float64(l.Used), id, name)
				ch <- gauge(callerLimitDesc, float64(max(l.Max, 0)), id, name) // Blocked is a limit of zero
			}
		}
	}
}
