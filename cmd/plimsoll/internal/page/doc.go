// Package page is the daemon's live page: groups and deployments with their
// usage against their limits, what is reserved, cooldowns, the last minute,
// refusals and the state of sharing.
//
// The server renders the whole page, so that it works without scripts. A script
// replaces the live part by the content of server-sent events. The page loads
// everything from the daemon.
package page
