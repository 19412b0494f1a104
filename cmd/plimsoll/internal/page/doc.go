// Package page is the daemon's live page: groups and deployments with their
// usage against their limits, what is reserved, cooldowns, the last minute,
// refusals and the state of sharing.
//
// The server renders all of it, so that it works without script; a script puts
// what server-sent events bring in place of what is there. Pages and assets come
// from the daemon alone.
package page
