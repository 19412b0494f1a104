package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/engine"
)

var (
	admittedDesc  = engineDesc("requests_admitted_total", "Requests admitted.")
	refusedDesc   = engineDesc("requests_refused_total", "Refusals, by the limit that refused.", "limit")
	tokensDesc    = engineDesc("tokens_total", "Tokens used on this node by calls that have ended.")
	overrunDesc   = engineDesc("overrun_tokens_total", "Tokens used above a limit.")
	leasesDesc    = engineDesc("leases", "Leases held now.")
	settledDesc   = engineDesc("leases_settled_total", "Leases ended with the usage of the call.")
	releasedDesc  = engineDesc("leases_released_total", "Leases ended without a call.")
	expiredDesc   = engineDesc("leases_expired_total", "Leases that grew older than the lease TTL.")
	lateDesc      = engineDesc("leases_late_total", "Leases ended after their minute and the next had passed.")
	windowsDesc   = engineDesc("windows_dropped_total", "Reports of ended minutes that no syncer collected in time.")
	invalidDesc   = engineDesc("counts_invalid_total", "Demands refused and usages clamped because a count was out of range.")
	waitingDesc   = engineDesc("requests_waiting", "Requests that wait now.")
	waitedDesc    = engineDesc("requests_waited_total", "Requests admitted after a wait.")
	gaveUpDesc    = engineDesc("requests_gave_up_total", "Requests whose context ended while they waited.")
	turnedDesc    = engineDesc("requests_turned_away_total", "Requests refused because too many were waiting.")
	contendedDesc = engineDesc("contended_total", "Refusals that were not confirmed because other attempts were half way.")
	knownDesc     = engineDesc("deployments", "Deployments configured.")
	omittedDesc   = engineDesc("deployments_omitted", "Deployments without metrics of their own, to bound the number of series.")

	engineDescs = []*prometheus.Desc{
		admittedDesc, refusedDesc, tokensDesc, overrunDesc, leasesDesc, settledDesc, releasedDesc, expiredDesc,
		lateDesc, windowsDesc, invalidDesc, waitingDesc, waitedDesc, gaveUpDesc, turnedDesc, contendedDesc, knownDesc, omittedDesc,
	}
)

func engineDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("plimsoll_"+name, help, labels, nil)
}

// limits are all reasons of a refusal. Each has a series from the
// first scrape on, because a rate needs two points.
var limits = func() (all []engine.Limit) {
	for l := engine.LimitNone + 1; !strings.HasPrefix(l.String(), "Limit("); l++ {
		all = append(all, l)
	}
	return all
}()

func (c *Collector) collectEngine(ch chan<- prometheus.Metric, s *engine.Stats, omitted int) {
	var held int64
	for i := range c.states {
		held += max(int64(c.states[i].Limit(engine.LimitTPM).Held), 0)
	}
	c.floor.tokens = max(c.floor.tokens, s.Tokens-held)
	c.floor.overrun = max(c.floor.overrun, s.Overrun)

	ch <- counter(admittedDesc, s.Admitted)
	for _, l := range limits {
		ch <- counter(refusedDesc, s.Refused[l], l.String())
	}
	ch <- counter(tokensDesc, c.floor.tokens)
	ch <- counter(overrunDesc, c.floor.overrun)
	ch <- gauge(leasesDesc, float64(s.Held))
	ch <- counter(settledDesc, s.Settled)
	ch <- counter(releasedDesc, s.Released)
	ch <- counter(expiredDesc, s.Expired)
	ch <- counter(lateDesc, s.EndedLate)
	ch <- counter(windowsDesc, s.Dropped)
	ch <- counter(invalidDesc, s.Invalid)
	ch <- gauge(waitingDesc, float64(s.Waiting))
	ch <- counter(waitedDesc, s.Waited)
	ch <- counter(gaveUpDesc, s.GaveUp)
	ch <- counter(turnedDesc, s.TurnedAway)
	ch <- counter(contendedDesc, s.Contended)
	ch <- gauge(knownDesc, float64(len(c.states)))
	ch <- gauge(omittedDesc, float64(omitted))
}
