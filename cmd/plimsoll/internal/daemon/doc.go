// Package daemon assembles plimsoll serve: an engine from a configuration file, a
// syncer if usage is shared, the decision API, the proxy, and the reports of their
// health.
package daemon
