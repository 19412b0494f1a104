package valkeystore

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// settingsMark ends the name of a node in the set of live nodes; no name contains it. The
// settings that must be equal on all nodes of a namespace follow. Nodes with other settings
// have other counters, so that each group would use the whole limit.
const settingsMark = ","

// settingsOf returns the suffix of a node's name for a configuration.
func settingsOf(cfg Config) string {
	return settingsMark + "Buckets=" + strconv.Itoa(cfg.Buckets) + " KeyFormat=" + string(cmp.Or(cfg.KeyFormat, "plimsoll"))
}

// modesMark follows the settings of a node whose version has modes. Older versions, without it,
// share usage whatever mode is in force. What follows it are words that nodes may have otherwise, such as
// the modes for which a node is configured behind modeWord.
const (
	modesMark = " Modes=1"
	modeWord  = "Mode="
)

// namedOf returns what follows the name of a node of this version that is configured for these modes.
func namedOf(settings string, modes syncer.NodeModes) string {
	if modes == 0 {
		return settings + modesMark
	}
	return settings + modesMark + " " + modeWord + modes.String()
}

// other is a node with other settings, or of a version without modes.
type other struct {
	node, settings string
	unaware        bool
}

// look takes in what follows the name of a node: whether its settings are others, whether it knows no
// modes, and for which it is configured.
func (c *call) look(node, settings, here string) (unaware bool, modes syncer.NodeModes) {
	if settings == "" {
		return false, 0
	}
	text, words, aware := strings.Cut(settings, modesMark)
	if text != here[len(settingsMark):] {
		c.others = append(c.others, other{node, text, false})
		return false, 0
	}
	if !aware {
		c.others = append(c.others, other{node, settings, true})
	}
	for word := range strings.FieldsSeq(words) {
		if text, ok := strings.CutPrefix(word, modeWord); ok {
			modes = syncer.ParseNodeModes(text)
		}
	}
	return !aware, modes
}

// reportOthers logs each node with other settings once.
func (s *Store) reportOthers(c *call) {
	for _, o := range c.others {
		if o.unaware {
			if s.first("unaware " + o.node) {
				s.log.Warn("a node of this namespace is of a version without escrow: it may pass limits that are held by escrow; upgrade it", "node", o.node)
			}
			continue
		}
		if s.first("other " + o.node) {
			s.log.Warn("a node of this namespace has other settings: its usage is not counted here; give all nodes the same settings",
				"node", o.node, "settings", o.settings, "here", settingsOf(s.cfg)[len(settingsMark):])
		}
	}
}
