package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

var (
	accountModeDesc    = accountDesc("escrow", "1 if nodes hold the limit by escrow, reserving in the store before use; 0 if they share usage although this node is configured for escrow.")
	accountGrantedDesc = accountDesc("granted", "Requests or tokens that this node may use in the current window, by escrow.")
	accountOwnDesc     = accountDesc("own", "Requests or tokens that this node has used in the current window, by escrow.")
	accountWaitingDesc = accountDesc("waiting", "Requests or tokens of the requests that wait for a grant.")
	accountMissedDesc  = prometheus.NewDesc("plimsoll_sync_account_missed_total", "Requests refused for want of a grant although the limit had headroom: at_once, or after they had waited.", []string{"deployment", "group", "wait"}, nil)
	accountDescs       = []*prometheus.Desc{accountModeDesc, accountGrantedDesc, accountOwnDesc, accountWaitingDesc, accountMissedDesc}
)

func accountDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("plimsoll_sync_account_"+name, help, []string{"deployment", "group", "limit"}, nil)
}

// labels are the values of the labels deployment and group.
type labels struct{ id, group string }

// accountIDs returns the labels of the deployments that have metrics, by ID; nil without a syncer.
func (c *Collector) accountIDs(states []engine.State) map[string]labels {
	if c.cfg.Syncer == nil {
		return nil
	}
	clear(c.names)
	ids := make(map[string]labels, len(states))
	for i := range states {
		s := &states[i]
		ids[s.ID] = labels{c.unique(c.label(s.ID)), c.label(s.Group)}
	}
	return ids
}

// collectAccounts sends the metrics of limits that nodes hold by escrow, or that this node is
// configured to hold so.
func (c *Collector) collectAccounts(ch chan<- prometheus.Metric, ids map[string]labels) {
	list := c.cfg.Accounts
	if list == nil {
		list = c.cfg.Syncer.AppendAccounts
	}
	counted := map[string]bool{}
	for _, a := range list(nil) {
		of, ok := ids[a.ID]
		if !ok || a.Mode == syncer.Usage && a.Configured == syncer.Usage {
			continue
		}
		ch <- gauge(accountModeDesc, number(a.Mode == syncer.Escrow), of.id, of.group, a.Name())
		if a.Mode == syncer.Escrow {
			ch <- gauge(accountGrantedDesc, float64(a.Granted), of.id, of.group, a.Name())
			ch <- gauge(accountOwnDesc, float64(a.Own), of.id, of.group, a.Name())
			ch <- gauge(accountWaitingDesc, float64(a.Waiting), of.id, of.group, a.Name())
		}
		if !counted[a.ID] {
			counted[a.ID] = true
			ch <- counter(accountMissedDesc, a.Missed, of.id, of.group, "at_once")
			ch <- counter(accountMissedDesc, a.Vain, of.id, of.group, "waited")
		}
	}
}
