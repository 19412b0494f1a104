package valkeystore

import (
	"cmp"
	"strconv"
	"strings"
)

// settingsMark ends the name of a node in the set of those alive; no name holds it.
// Settings follow that all nodes of a namespace must have alike: with others their
// counters have other names, and each would take a limit for itself.
const settingsMark = ","

// settingsOf returns what follows the name of a node with a configuration.
func settingsOf(cfg Config) string {
	return settingsMark + "Buckets=" + strconv.Itoa(cfg.Buckets) + " KeyFormat=" + string(cmp.Or(cfg.KeyFormat, "plimsoll"))
}

// modesMark follows the settings of a node that knows modes of sharing; versions that lack it share
// usage, whatever holds in a window.
const modesMark = " Modes=1"

// namedOf returns what follows the name of a node of this version.
func namedOf(cfg Config) string { return settingsOf(cfg) + modesMark }

// other is a node with other settings, or of a version that knows no modes.
type other struct {
	node, settings string
	unaware        bool
}

// look takes in what follows the name of a node: whether its settings are others, or it knows no modes.
func (c *call) look(node, settings, here string) (unaware bool) {
	if settings == "" {
		return false
	}
	text, aware := strings.CutSuffix(settingsMark+settings, modesMark)
	if text+modesMark != here {
		c.others = append(c.others, other{node, text[len(settingsMark):], false})
		return false
	}
	if !aware {
		c.others = append(c.others, other{node, settings, true})
	}
	return !aware
}

// reportOthers names each node with other settings once.
func (s *Store) reportOthers(c *call) {
	for _, o := range c.others {
		if o.unaware {
			if s.first("unaware " + o.node) {
				s.log.Warn("a node of this namespace is of a version that shares usage alone: it may pass limits that are held by escrow; upgrade it", "node", o.node)
			}
			continue
		}
		if s.first("other " + o.node) {
			s.log.Warn("a node of this namespace has other settings: what it uses is not seen here; give all nodes the same",
				"node", o.node, "settings", o.settings, "here", settingsOf(s.cfg)[len(settingsMark):])
		}
	}
}
