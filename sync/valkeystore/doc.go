// Package valkeystore is a [syncer.Store] on Valkey: a single server, Sentinel
// or Valkey Cluster. Redis 7 works too.
//
// # Use
//
// [Open] takes an address and manages the connection. It connects at the first
// exchange, and creates a new client when the old one has failed or its server
// has become a replica. [New] uses a client of the caller and does not close it.
//
// # What is exact
//
// Each batch is one transaction, which is idempotent: it leaves a marker with
// its number, and no batch with that number is applied again, however late or
// often it arrives, even if a later attempt overtakes an earlier one. The reply
// contains whether the server still has the marker of the batch before, and the
// identity of its data. They show lost writes and an emptied server.
// docs/PROTOCOL.md describes the protocol.
//
// # Keys
//
// All keys begin with "plimsoll2:" and have one hash tag for each bucket. Every
// key expires. With [FormatLiteLLM] the counters have LiteLLM's names.
//
// # Commands
//
// A server user needs WATCH, MULTI, EXEC, DISCARD, TIME, GET, MGET, SET, EXISTS,
// INCRBY and EXPIRE. Without ZADD, ZRANGE, ZCOUNT and ZREMRANGEBYSCORE the nodes share
// usage, but neither cooldowns, nor reported limits, nor the number of nodes. With INFO the
// store finds an eviction policy that loses counts.
package valkeystore
