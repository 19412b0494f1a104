// Package valkeystore is a [syncer.Store] on Valkey: a single server, Sentinel
// or Valkey Cluster. Redis 7 works too.
//
// # Use
//
// [Open] takes an address and keeps the connection: it connects at the first
// exchange and makes a new client when the old one has failed or its server has
// become a replica. [New] works on a client of the caller's and leaves it alone.
//
// # What is exact
//
// Every batch travels as one transaction that guards itself: it leaves a marker
// under its number, and the same number is never applied again, however late or
// often it arrives, also when an earlier attempt overtakes a later one. The
// reply says whether the server still knows the batch before, and which
// generation its data is of, so that lost writes and an emptied server show.
// docs/PROTOCOL.md has the whole of it.
//
// # Keys
//
// Everything lives under "plimsoll2:", one hash tag for each bucket, and every
// key expires. With [FormatLiteLLM] the counters are LiteLLM's own.
//
// # Commands
//
// A server user needs WATCH, MULTI, EXEC, DISCARD, TIME, GET, MGET, SET, EXISTS,
// INCRBY, EXPIRE, ZADD, ZCOUNT and ZREMRANGEBYSCORE, and should have INFO, which
// is how an eviction policy that loses counts is found.
package valkeystore
