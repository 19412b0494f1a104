// Package memstore is a [syncer.Store] in memory, for several engines in one
// process, tests and simulations. It fulfils the whole contract: each batch is
// applied once, replies show lost writes and an emptied store, and old data
// expires.
package memstore
