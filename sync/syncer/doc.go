// Package syncer keeps the usage of several nodes together through a shared
// store. About ten times a second each node adds its usage to the store and
// reads the usage of the other nodes. No fault of the store or the network
// loses a count or adds it twice.
//
// A [Syncer] connects a [Source], normally an engine, to a [Store]. Its
// exchanges run in the background, beside the requests.
package syncer
