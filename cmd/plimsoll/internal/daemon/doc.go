// Package daemon puts together what plimsoll serve runs: an engine by a
// configuration file, a syncer if usage is shared, the decision API, and what
// reports how they are.
package daemon
