// Package memstore is a [syncer.Store] in memory, for several engines in one
// process, tests and simulations. It fulfils the whole contract: each batch is
// applied once, replies show lost writes and an emptied store, and old data
// expires.
//
// Total, TotalOf and Size show what a store holds. Wipe, Evict, DropEpochs, Save and Load break
// it as servers break: a restart without data, a lack of memory, lost keys, a failover to an
// older copy. They are public so that tests of a gateway can play these faults without a server.
package memstore
