// Package api is the daemon's decision API: JSON over HTTP. docs/API.md and
// openapi.yaml describe it to its users. An engine makes the decisions. The API keeps
// the leases, which clients end by their names.
package api
