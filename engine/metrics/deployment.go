package metrics

import (
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/engine"
)

var (
	usageDesc  = deploymentDesc("usage", "Requests, tokens or calls of all nodes that count towards the limit in its current window, reservations included; in_flight is this node's alone.", "limit")
	limitDesc  = deploymentDesc("limit", "The limit; absent if the deployment has none.", "limit")
	ratioDesc  = deploymentDesc("utilization_ratio", "Usage divided by limit, the largest of all limits except in_flight; absent without such limits.")
	othersUse  = deploymentDesc("others_usage", "The part of the usage, of requests and tokens per minute, that is of other nodes, as known here.", "limit")
	heldDesc   = deploymentDesc("held_tokens", "The part of the tokens used that calls reserve which have not ended.")
	coolDesc   = deploymentDesc("cooldown_seconds", "Seconds until the cooldown ends; 0 = none is in force.")
	onDesc     = deploymentDesc("enabled", "1 if the deployment is enabled, else 0.")
	cooledDesc = deploymentDesc("cooldowns_total", "Cooldowns that began on this node, by cause. A cause without a cooldown is absent.", "cause")
	infoDesc   = deploymentDesc("info", "1, with the provider's name of the model.", "model")

	deploymentDescs = []*prometheus.Desc{usageDesc, limitDesc, ratioDesc, othersUse, heldDesc, coolDesc, onDesc, cooledDesc, infoDesc}
)

func deploymentDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("plimsoll_deployment_"+name, help, append([]string{"deployment", "group"}, more...), nil)
}

func (c *Collector) collectDeployments(ch chan<- prometheus.Metric, states []engine.State) {
	clear(c.names)
	for i := range states {
		s := &states[i]
		id, group := c.unique(c.label(s.ID)), c.label(s.Group)
		send := func(d *prometheus.Desc, v float64, more ...string) {
			ch <- gauge(d, v, append([]string{id, group}, more...)...)
		}
		fullest := -1.0
		for i := range s.Limits {
			l := &s.Limits[i]
			c.collectLimit(l, send)
			if l.Max != 0 && l.Limit != engine.LimitInFlight {
				fullest = max(fullest, l.Utilization())
			}
		}
		if fullest >= 0 {
			send(ratioDesc, fullest)
		}
		send(coolDesc, s.CoolingFor.Seconds())
		send(onDesc, number(s.Enabled))
		c.collectCooldowns(ch, s.ID, id, group)
		send(infoDesc, 1, c.label(s.Model))
	}
}

// collectLimit sends the usage of a limit. A kind that is not limited has metrics only
// if the engine always counts it.
func (c *Collector) collectLimit(l *engine.LimitState, send func(d *prometheus.Desc, v float64, more ...string)) {
	always := l.Limit == engine.LimitRPM || l.Limit == engine.LimitTPM || l.Limit == engine.LimitInFlight
	if l.Max == 0 && !always {
		return
	}
	name := l.Limit.String()
	send(usageDesc, float64(l.Used), name)
	if l.Max != 0 {
		send(limitDesc, float64(max(l.Max, 0)), name)
	}
	if c.cfg.Syncer != nil && (l.Limit == engine.LimitRPM || l.Limit == engine.LimitTPM) {
		send(othersUse, float64(l.Remote), name)
	}
	if l.Held != engine.Untracked {
		send(heldDesc, float64(l.Held))
	}
}

// collectCooldowns sends the counts of a deployment's cooldowns. A cause without a cooldown has
// no series.
func (c *Collector) collectCooldowns(ch chan<- prometheus.Metric, deployment string, labels ...string) {
	ref, err := c.cfg.Engine.Ref(deployment)
	if err != nil {
		return // it was removed since the scrape began
	}
	for cause, n := range ref.Cooldowns() {
		if n > 0 {
			ch <- counter(cooledDesc, n, append(labels[:2:2], engine.CooldownCause(cause).String())...)
		}
	}
}

// label returns a text as a label. Prometheus accepts only valid UTF-8.
func (c *Collector) label(text string) string {
	if c.cfg.Mask != nil {
		text = c.cfg.Mask(text)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// unique returns name, or name with a number if another deployment of this
// scrape has it already, because one duplicate would fail the whole scrape.
func (c *Collector) unique(name string) string {
	out := name
	for c.names[out] > 0 {
		c.names[name]++
		out = name + "#" + strconv.Itoa(c.names[name])
	}
	c.names[out] = 1
	return out
}
