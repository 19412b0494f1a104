// Package api is the daemon's decision API: JSON over HTTP. docs/API.md and
// openapi.yaml describe it to its users. It decides by an engine, and keeps the
// leases that clients hold by name.
package api
