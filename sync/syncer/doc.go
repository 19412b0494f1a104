// Package syncer keeps the usage of several nodes together through a shared
// store: each node adds what it has used and learns what the others have used,
// about ten times a second, and no fault of the store or the network loses a
// count or adds it twice.
//
// A [Syncer] ties a [Source], normally an engine, to a [Store]. Requests never
// wait for it.
package syncer
