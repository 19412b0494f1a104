package valkeystore

import (
	"cmp"
	"strconv"
)

// settingsMark ends the name of a node in the set of those alive; no name holds it.
// Settings follow that all nodes of a namespace must have alike: with others their
// counters have other names, and each would take a limit for itself.
const settingsMark = ","

// settingsOf returns what follows the name of a node with a configuration.
func settingsOf(cfg Config) string {
	return settingsMark + "Buckets=" + strconv.Itoa(cfg.Buckets) + " KeyFormat=" + string(cmp.Or(cfg.KeyFormat, "plimsoll"))
}

// other is a node with other settings.
type other struct{ node, settings string }

// reportOthers names each node with other settings once.
func (s *Store) reportOthers(c *call) {
	for _, o := range c.others {
		if s.first("other " + o.node) {
			s.log.Warn("a node of this namespace has other settings: what it uses is not seen here; give all nodes the same",
				"node", o.node, "settings", o.settings, "here", settingsOf(s.cfg)[len(settingsMark):])
		}
	}
}
